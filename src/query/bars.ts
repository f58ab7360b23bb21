import { formatIsoMicros } from '../core/time.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { outputTable, servedGeneration } from '../sinks/clickhouse/outputTables.ts';
import { quoteName } from '../sinks/clickhouse/sqlText.ts';
import { mergedRows } from './mergedRows.ts';
import { plainDecimal } from './plainDecimal.ts';
import { type OutputColumn, type RowFormat, rowsAsText, type TextResult } from './rowText.ts';
import { withSqlErrors } from './sql.ts';
import { isUnknownTable } from './sqlError.ts';
import { type Row, readTabSeparated } from './tabSeparated.ts';

/** The columns of bars, in order: an interface that stays. */
export const BAR_COLUMNS: readonly OutputColumn[] = [
  { name: 'symbol', isNumber: false },
  { name: 'start', isNumber: false },
  { name: 'end', isNumber: false },
  ...['open', 'high', 'low', 'close', 'volume', 'vwap', 'count', 'revision'].map((name) => ({ name, isNumber: true })),
];
const TIME_COLUMNS = new Set(['start', 'end']);
const SECOND_MICROS = 1_000_000;
const DAY_MICROS = 86_400 * SECOND_MICROS;

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
  /** Only bars after this one, in the order of the result. */
  readonly after?: BarPlace;
  /** Most bars; all when absent. */
  readonly limit?: number;
  /** Bounds of the query itself, such as `max_execution_time`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A bar's place among the bars of its interval. */
export interface BarPlace {
  readonly symbol: string;
  /** Epoch microseconds. */
  readonly start: number;
  readonly end: number;
}

/** Where bars are to be read from. */
export interface StoredBars {
  /** The served generation of the topology; null when there is none yet. */
  readonly generation: number | null;
  /** Whether there are bars of the sort that a source published. */
  readonly hasPublished: boolean;
}

/**
 * Bars of one interval, of the served generation and of those that sources published, by symbol, start and end, as text.
 *
 * @throws TM_SQL, TM_CLICKHOUSE_UNREACHABLE, from the pieces too
 */
export async function queryBars(query: BarsQuery & { readonly format: RowFormat }): Promise<TextResult> {
  const stored = await storedBars(query.clickhouse, query.topology, query);
  return {
    pieces: withSqlErrors(rowsAsText(BAR_COLUMNS, barRows(query, stored), query.format)),
    hint: await hintFor(query),
  };
}

/** Why there may be no rows. */
async function hintFor({ clickhouse, topology, output, interval }: BarsQuery) {
  const { generation, hasPublished } = await storedBars(clickhouse, topology);
  const tables = [
    ...(generation === null ? [] : [quoteName(outputTable(output, generation))]),
    ...(hasPublished ? ['published_series'] : []),
  ];
  if (tables.length === 0) return `No bars of '${topology}' are stored yet: \`tidemark run\` makes them.`;
  const intervals = tables.map((table) => `SELECT toString(interval) AS interval FROM ${table}`);
  const rows = await clickhouse.rows<{ interval: string }>(
    `SELECT DISTINCT interval FROM (${intervals.join(' UNION ALL ')}) ORDER BY interval`,
  );
  const stored = rows.map((row) => row.interval);
  if (stored.includes(interval)) return null;
  return `No bars of interval ${interval} are stored; there are: ${stored.join(', ') || 'none yet'}.`;
}

/** The served generation of a topology, or null when nothing is stored, not even the pointer. */
export async function storedGeneration(clickhouse: ClickHouse, topology: string): Promise<number | null> {
  return orWithoutTables(servedGeneration(clickhouse, topology), null);
}

/** What there is to read bars of a topology from, or those of one interval and symbol. */
export async function storedBars(
  clickhouse: ClickHouse,
  topology: string,
  { interval, symbol }: Partial<Pick<BarsQuery, 'interval' | 'symbol'>> = {},
): Promise<StoredBars> {
  const conditions = [
    // Of minutes, hours and days are made.
    ...(interval === undefined ? [] : ["interval IN ({interval:String}, '1m')"]),
    ...(symbol === undefined ? [] : ['symbol = {symbol:String}']),
  ];
  const rows = clickhouse.rows<{ generations: number[]; published: number }>(
    'SELECT (SELECT groupArray(generation) FROM served FINAL WHERE topology = {topology:String}) AS generations, ' +
      `(SELECT count() FROM (SELECT 1 FROM source_bars_raw WHERE ${conditions.join(' AND ') || 'true'} LIMIT 1)) AS published`,
    { parameters: { topology, interval: interval ?? '', symbol: symbol ?? '' } },
  );
  const [row] = await orWithoutTables(rows, []);
  return { generation: row?.generations[0] ?? null, hasPublished: Number(row?.published ?? 0) > 0 };
}

async function orWithoutTables<T>(asked: Promise<T>, without: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (isUnknownTable(error)) return without;
    throw error;
  }
}

/**
 * Rows of `BAR_COLUMNS`, block by block. A bar of the topology goes before one that a source published with the same symbol and bounds.
 */
export async function* barRows(
  query: BarsQuery,
  { generation, hasPublished }: StoredBars,
): AsyncIterable<readonly Row[]> {
  const rowsOf = ({ sql, options }: ReturnType<typeof barsStatement>) =>
    readTabSeparated(query.clickhouse.stream(sql, options));
  const results = [
    ...(generation === null ? [] : [rowsOf(barsStatement(query, generation))]),
    ...(hasPublished ? [rowsOf(publishedStatement(query))] : []),
  ];
  const [first, second] = results;
  if (first === undefined) return;
  const iso = isoTimes();
  for await (const block of second === undefined ? first : mergedRows(first, second, byPlace, query.limit)) {
    yield shownBars(block, iso);
  }
}

/** Rows of bars as they are shown, of rows as ClickHouse gives them. */
export function shownBars(rows: readonly Row[], iso = isoTimes()): readonly Row[] {
  return rows.map((row) => barRow(row, iso));
}

/** In the order of the statements: text by its bytes. */
function byPlace([symbolA, startA, endA]: Row, [symbolB, startB, endB]: Row): number {
  if (symbolA !== symbolB) return Buffer.compare(Buffer.from(symbolA ?? ''), Buffer.from(symbolB ?? ''));
  return Number(startA) - Number(startB) || Number(endA) - Number(endB);
}

/** What ClickHouse is asked for the bars of a query; times come in epoch microseconds. */
export function barsStatement(query: Omit<BarsQuery, 'clickhouse'>, generation: number) {
  return statementOf(query, BAR_COLUMNS.map(columnText), `${quoteName(outputTable(query.output, generation))} FINAL`);
}

/** What it is asked for those that sources published. */
function publishedStatement(query: Omit<BarsQuery, 'clickhouse'>) {
  return statementOf(query, publishedColumns(), publishedView(query.interval));
}

/** The columns of bars that sources published, of which a volume-weighted price is not known. */
export function publishedColumns(): readonly string[] {
  return BAR_COLUMNS.map((column) => (column.name === 'vwap' ? 'NULL' : columnText(column)));
}

/** Hours and days may be made of minutes; the view of all others alone is planned in half the time. */
export function publishedView(interval: string): string {
  return interval === '1h' || interval === '1d' ? 'published_bars' : 'published_source_bars';
}

function columnText({ name }: OutputColumn): string {
  return TIME_COLUMNS.has(name) ? `toUnixTimestamp64Micro(${quoteName(name)})` : quoteName(name);
}

function statementOf(query: Omit<BarsQuery, 'clickhouse'>, columns: readonly string[], table: string) {
  const { conditions, parameters } = conditionsOf(query);
  const sql = [
    `SELECT ${columns.join(', ')}`,
    `FROM ${table}`,
    `WHERE ${conditions.join(' AND ')}`,
    'ORDER BY symbol, start, end',
    ...(query.limit === undefined ? [] : ['LIMIT {limit:UInt64}']),
    'FORMAT TabSeparated',
  ].join('\n');
  return { sql, options: { settings: query.settings ?? {}, parameters } };
}

function conditionsOf({ interval, symbol, fromMicros, toMicros, after, limit }: Omit<BarsQuery, 'clickhouse'>) {
  const conditions = ['interval = {interval:String}'];
  const parameters: Record<string, string | number> = { interval };
  const add = (condition: string, values: Readonly<Record<string, string | number>>): void => {
    conditions.push(condition);
    Object.assign(parameters, values);
  };
  if (symbol !== undefined) add('symbol = {symbol:String}', { symbol });
  if (fromMicros !== undefined) add(`start >= ${instant('from')}`, { from: fromMicros });
  if (toMicros !== undefined) add(`start < ${instant('to')}`, { to: toMicros });
  if (after !== undefined) {
    add(`(symbol, start, end) > ({afterSymbol:String}, ${instant('afterStart')}, ${instant('afterEnd')})`, {
      afterSymbol: after.symbol,
      afterStart: after.start,
      afterEnd: after.end,
    });
  }
  if (limit !== undefined) parameters.limit = limit;
  return { conditions, parameters };
}

/** A parameter in epoch microseconds, as an instant. */
function instant(parameter: string): string {
  return `fromUnixTimestamp64Micro({${parameter}:Int64}, 'UTC')`;
}

/**
 * ISO text of epoch microseconds. A window mostly starts where the one before it ended: that text is kept, and the day's,
 * since a Date costs more than all else that is done with a row.
 */
function isoTimes(): (micros: string) => string {
  let last = '';
  let text = '';
  let day = Number.NaN;
  let date = '';
  return (micros) => {
    if (micros === last) return text;
    last = micros;
    const time = Number(micros);
    if (Math.floor(time / DAY_MICROS) !== day) {
      day = Math.floor(time / DAY_MICROS);
      date = formatIsoMicros(day * DAY_MICROS).slice(0, -'00:00:00.000Z'.length);
    }
    text = date + clockText(time - day * DAY_MICROS);
    return text;
  };
}

/** `HH:MM:SS.mmmZ` of microseconds since midnight, with six decimals where three do not do. */
function clockText(micros: number): string {
  const seconds = Math.floor(micros / SECOND_MICROS);
  const fraction = micros - seconds * SECOND_MICROS;
  const clock = `${twoDigits(Math.floor(seconds / 3_600))}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`;
  if (fraction === 0) return `${clock}.000Z`;
  const digits = String(fraction).padStart(6, '0');
  return `${clock}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}Z`;
}

function twoDigits(count: number): string {
  return count < 10 ? `0${count}` : String(count);
}

function barRow(row: Row, iso: (micros: string) => string): Row {
  return row.map((cell, i) => {
    const column = BAR_COLUMNS[i];
    if (cell === null || column === undefined) return cell;
    if (column.isNumber) return plainDecimal(cell);
    return TIME_COLUMNS.has(column.name) ? iso(cell) : cell;
  });
}
