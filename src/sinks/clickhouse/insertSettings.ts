/**
 * Every setting that decides whether an insert is stored, written into its statement: server defaults moved between
 * versions, and deduplication by ClickHouse drops rows after a crash. A repeated insert is made harmless by the tables'
 * keys instead. One insert may touch any number of partitions: a file of history spans years.
 */
export const INSERT_SETTINGS = [
  'async_insert = 0',
  "deduplicate_insert = 'disable'",
  "deduplicate_insert_select = 'disable'",
  'deduplicate_blocks_in_dependent_materialized_views = 0',
  'max_partitions_per_insert_block = 0',
  'materialized_views_ignore_errors = 0',
].join(', ');
