import type { OutputSpec } from '../../core/output.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { ClickHouse } from './connect.ts';
import { INSERT_SETTINGS } from './insertSettings.ts';
import { columnName, type InsertTarget, resultsTarget } from './insertTarget.ts';
import { outputViews } from './outputViews.ts';
import { quoteName, quoteText } from './sqlText.ts';

/** The table of one generation of an output; SQL users read the view of the output's own name. */
export function outputTable(name: string, generation: number): string {
  return `${name}__g${generation}`;
}

/**
 * Makes the table of one generation of an output.
 *
 * @throws TM_TABLE_DIFFERS when the table exists with other columns, or is another topology's
 * @throws TM_ROLLUP when one of its views cannot be made
 */
export async function createOutput(clickhouse: ClickHouse, spec: OutputSpec): Promise<InsertTarget> {
  await claim(clickhouse, spec);
  const table = outputTable(spec.name, spec.generation);
  const columns = columnsOf(spec);
  await clickhouse.command(
    `CREATE TABLE IF NOT EXISTS ${quoteName(table)} (\n${columns.map(({ ddl }) => `  ${ddl}`).join(',\n')}\n)\n` +
      'ENGINE = ReplacingMergeTree(version, deleted)\n' +
      // A function of the sorting key: two versions of a row in two partitions would both stay.
      'PARTITION BY toYear(start)\nORDER BY (interval, symbol, start, end)',
  );
  await checkColumns(clickhouse, table, columns);
  // That a view cannot be made is known before anything is stored.
  outputViews(spec, table);
  return resultsTarget(table, spec);
}

/**
 * Serves one generation of a topology, whose tables are whole: the pointer for the API and the command line, and the views
 * for SQL.
 * @param swaps how often another generation was made the served one before: an older word does not replace a newer
 */
export async function serveGeneration(
  clickhouse: ClickHouse,
  outputs: readonly OutputSpec[],
  swaps: number,
): Promise<void> {
  const [first] = outputs;
  if (first === undefined) return;
  const version = swaps + 1;
  const newer = await clickhouse.rows(
    `SELECT 1 FROM served WHERE topology = ${quoteText(first.topology)} AND version > ${version}`,
  );
  if (newer.length > 0) return;
  for (const spec of outputs) {
    for (const { name, select } of outputViews(spec, outputTable(spec.name, spec.generation))) {
      await clickhouse.command(`CREATE OR REPLACE VIEW ${quoteName(name)} AS\n${select}`);
    }
  }
  await clickhouse.command(
    `INSERT INTO served (topology, generation, version) SETTINGS ${INSERT_SETTINGS} ` +
      `VALUES (${quoteText(first.topology)}, ${first.generation}, ${version})`,
  );
}

/** The generation of a topology that readers see, or null when nothing of it was ever stored. */
export async function servedGeneration(clickhouse: ClickHouse, topology: string): Promise<number | null> {
  const rows = await clickhouse.rows<{ generation: number }>(
    `SELECT generation FROM served FINAL WHERE topology = ${quoteText(topology)}`,
  );
  return rows[0]?.generation ?? null;
}

/** An output's name is one topology's: two would mix their rows in one table. */
async function claim(clickhouse: ClickHouse, { name, topology }: OutputSpec): Promise<void> {
  const rows = await clickhouse.rows<{ topology: string }>(
    `SELECT topology FROM outputs FINAL WHERE name = ${quoteText(name)}`,
  );
  const [owner] = rows;
  if (owner === undefined) {
    await clickhouse.command(
      `INSERT INTO outputs (name, topology) SETTINGS ${INSERT_SETTINGS} VALUES (${quoteText(name)}, ${quoteText(topology)})`,
    );
  } else if (owner.topology !== topology) {
    throw new TidemarkError('TM_TABLE_DIFFERS', `the output '${name}' belongs to topology ${owner.topology}`, {
      where: `topology ${topology}`,
      hint: 'Give the output another name: it names the table and the views of its results.',
    });
  }
}

interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly ddl: string;
}

function columnsOf({ schema, keyField }: OutputSpec): readonly TableColumn[] {
  return [
    ...schema.fields.map((field) => column(columnName(field, keyField), typeOf(field, keyField), codecOf(field))),
    column('version', 'UInt64', 'CODEC(Delta, ZSTD)'),
    column('logPartition', 'Int32', 'CODEC(Delta, ZSTD)'),
    column('logOffset', 'Int64', 'CODEC(Delta, ZSTD)'),
  ];
}

function column(name: string, type: string, codec: string): TableColumn {
  return { name, type, ddl: `${quoteName(name)} ${type} ${codec}`.trimEnd() };
}

function typeOf(field: FieldSchema, keyField: string): string {
  if (field.name === 'deleted') return 'UInt8';
  if (field.name === keyField || field.name === 'interval') return 'LowCardinality(String)';
  const type = plainTypeOf(field);
  if (field.kind === 'enum') return `LowCardinality(${field.nullable ? `Nullable(${type})` : type})`;
  return field.nullable ? `Nullable(${type})` : type;
}

function plainTypeOf(field: FieldSchema): string {
  switch (field.kind) {
    case 'double':
      return 'Float64';
    case 'long':
      return field.logical === 'timestamp-micros' ? "DateTime64(6, 'UTC')" : 'Int64';
    case 'int':
      return 'Int32';
    case 'boolean':
      return 'Bool';
    case 'decimal':
      return `Decimal(${field.precision}, ${field.scale})`;
    case 'enum':
    case 'string':
    case 'bytes':
      return 'String';
  }
}

/** Measured on ticks: Delta and ZSTD for time and counters, plain ZSTD for doubles and decimals. */
function codecOf(field: FieldSchema): string {
  switch (field.kind) {
    case 'long':
    case 'int':
      return 'CODEC(Delta, ZSTD)';
    case 'double':
    case 'decimal':
    case 'bytes':
      return 'CODEC(ZSTD)';
    default:
      return '';
  }
}

async function checkColumns(clickhouse: ClickHouse, table: string, expected: readonly TableColumn[]): Promise<void> {
  const rows = await clickhouse.rows<{ name: string; type: string }>(
    `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ${quoteText(table)} ORDER BY position`,
  );
  const wanted = expected.map(({ name, type }) => `${name} ${type}`);
  const found = rows.map(({ name, type }) => `${name} ${type}`);
  if (wanted.join('\n') === found.join('\n')) return;
  const difference = wanted.find((text) => !found.includes(text)) ?? found.find((text) => !wanted.includes(text));
  throw new TidemarkError('TM_TABLE_DIFFERS', `the table ${table} has other columns than the output: ${difference}`, {
    where: `${clickhouse.database}.${table}`,
    hint: 'Give the topology and its output another name, so that the results get a table of their own.',
  });
}
