/** Names and values as ClickHouse SQL writes them (https://clickhouse.com/docs/sql-reference/syntax). */

/** A name in backticks, whatever it holds. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** A string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
