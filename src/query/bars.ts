import { formatIsoMicros } from '../core/time.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { outputTable, servedGeneration } from '../sinks/clickhouse/outputTables.ts';
import { quoteName, quoteText } from '../sinks/clickhouse/sqlText.ts';
import { plainDecimal } from './plainDecimal.ts';
import { type OutputColumn, type RowFormat, rowsAsText, type TextResult } from './rowText.ts';
import { withSqlErrors } from './sql.ts';
import { isUnknownTable } from './sqlError.ts';
import { type Row, readTabSeparated } from './tabSeparated.ts';

/** The columns of bars, in order: an interface that stays. */
const COLUMNS: readonly OutputColumn[] = [
  { name: 'symbol', isNumber: false },
  { name: 'start', isNumber: false },
  { name: 'end', isNumber: false },
  ...['open', 'high', 'low', 'close', 'volume', 'vwap', 'count', 'revision'].map((name) => ({ name, isNumber: true })),
];
const TIME_COLUMNS = new Set(['start', 'end']);

export interface BarsQuery {
  readonly clickhouse: ClickHouse;
  readonly topology: string;
  /** The output's name: its table is `<output>__g<generation>`. */
  readonly output: string;
  readonly interval: string;
  /** One instrument, `venue:symbol`; all when absent. */
  readonly symbol?: string;
  /** First start, inclusive, in epoch microseconds. */
  readonly fromMicros?: number;
  /** Exclusive bound of the start, in epoch microseconds. */
  readonly toMicros?: number;
  readonly format: RowFormat;
}

/**
 * Bars of one interval, of the served generation, by symbol, start and end.
 *
 * @throws TM_SQL, TM_CLICKHOUSE_UNREACHABLE, from the pieces too
 */
export async function queryBars(query: BarsQuery): Promise<TextResult> {
  const generation = await generationOf(query);
  const blocks = generation === null ? nothing() : barRows(query, generation);
  return {
    pieces: withSqlErrors(rowsAsText(COLUMNS, blocks, query.format)),
    hint: await hintFor(query, generation),
  };
}

/** Why there may be no rows. */
async function hintFor({ clickhouse, topology, output, interval }: BarsQuery, generation: number | null) {
  if (generation === null) return `No bars of '${topology}' are stored yet: \`tidemark run\` makes them.`;
  const rows = await clickhouse.rows<{ interval: string }>(
    `SELECT DISTINCT interval FROM ${quoteName(outputTable(output, generation))} ORDER BY interval`,
  );
  const stored = rows.map((row) => row.interval);
  if (stored.includes(interval)) return null;
  return `No bars of interval ${interval} are stored; there are: ${stored.join(', ') || 'none yet'}.`;
}

async function generationOf({ clickhouse, topology }: BarsQuery): Promise<number | null> {
  try {
    return await servedGeneration(clickhouse, topology);
  } catch (error) {
    if (isUnknownTable(error)) return null;
    throw error;
  }
}

async function* barRows(query: BarsQuery, generation: number): AsyncIterable<readonly Row[]> {
  const columns = COLUMNS.map(({ name }) =>
    TIME_COLUMNS.has(name) ? `toUnixTimestamp64Micro(${quoteName(name)})` : quoteName(name),
  );
  const sql = [
    `SELECT ${columns.join(', ')}`,
    `FROM ${quoteName(outputTable(query.output, generation))} FINAL`,
    `WHERE ${conditionsOf(query).join(' AND ')}`,
    'ORDER BY symbol, start, end',
    'FORMAT TabSeparated',
  ].join('\n');
  const iso = isoTimes();
  for await (const block of readTabSeparated(query.clickhouse.stream(sql))) yield block.map((row) => barRow(row, iso));
}

function conditionsOf({ interval, symbol, fromMicros, toMicros }: BarsQuery): string[] {
  const conditions = [`interval = ${quoteText(interval)}`];
  if (symbol !== undefined) conditions.push(`symbol = ${quoteText(symbol)}`);
  if (fromMicros !== undefined) conditions.push(`start >= fromUnixTimestamp64Micro(${fromMicros}, 'UTC')`);
  if (toMicros !== undefined) conditions.push(`start < fromUnixTimestamp64Micro(${toMicros}, 'UTC')`);
  return conditions;
}

/** ISO text of epoch microseconds. A window mostly starts where the one before it ended: that text is kept. */
function isoTimes(): (micros: string) => string {
  let last = '';
  let text = '';
  return (micros) => {
    if (micros !== last) {
      text = formatIsoMicros(Number(micros));
      last = micros;
    }
    return text;
  };
}

function barRow(row: Row, iso: (micros: string) => string): Row {
  return row.map((cell, i) => {
    const column = COLUMNS[i];
    if (cell === null || column === undefined) return cell;
    if (column.isNumber) return plainDecimal(cell);
    return TIME_COLUMNS.has(column.name) ? iso(cell) : cell;
  });
}

async function* nothing(): AsyncIterable<readonly Row[]> {}
