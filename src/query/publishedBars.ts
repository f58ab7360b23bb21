import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { outputTable } from '../sinks/clickhouse/outputTables.ts';
import { quoteName, quoteText } from '../sinks/clickhouse/sqlText.ts';
import { publishedColumns, shownBars, storedGeneration } from './bars.ts';
import { withSqlErrors } from './sql.ts';
import { type Row, readTabSeparated } from './tabSeparated.ts';

/** One bar, by its interval's name. */
export interface BarStart {
  readonly symbol: string;
  /** Epoch microseconds. */
  readonly start: number;
}

/** A bar that a source published as it is served now. */
export interface PublishedBar extends BarStart {
  /** Of `BAR_COLUMNS`. */
  readonly row: Row;
  readonly revision: number;
  readonly adjusted: boolean;
  readonly provisional: boolean;
}

export interface PublishedQuery {
  readonly clickhouse: ClickHouse;
  readonly topology: string;
  /** Of the topology, whose bars go before published ones of the same symbol and bounds. */
  readonly output: string;
  readonly interval: string;
  /** Whether it is the bars that are made of minutes that are asked for, or those that were published themselves. */
  readonly made: boolean;
  /** Which; the statement names each, so not more than some thousands. */
  readonly bars: readonly BarStart[];
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Of some bars those that are served, and are not the topology's.
 *
 * @throws TM_SQL, TM_CLICKHOUSE_UNREACHABLE
 */
export async function servedPublishedBars(query: PublishedQuery): Promise<PublishedBar[]> {
  const { clickhouse, settings, topology } = query;
  const sql = statementOf(query, await storedGeneration(clickhouse, topology));
  const parameters = { interval: query.interval };
  const bars: PublishedBar[] = [];
  for await (const block of withSqlErrors(readTabSeparated(clickhouse.stream(sql, { settings, parameters })))) {
    for (const [start, revision, adjusted, provisional, ...cells] of block) {
      const [row = []] = shownBars([cells]);
      bars.push({
        symbol: row[0] ?? '',
        start: Number(start),
        row,
        revision: Number(revision),
        adjusted: adjusted === '1',
        provisional: provisional === '1',
      });
    }
  }
  return bars;
}

function statementOf({ output, made, bars }: PublishedQuery, generation: number | null): string {
  const symbols = listOf(new Set(bars.map(({ symbol }) => quoteText(symbol))));
  const starts = listOf(new Set(bars.map(({ start }) => instant(start))));
  const places = listOf(new Set(bars.map(({ symbol, start }) => `(${quoteText(symbol)}, ${instant(start)})`)));
  // By symbols and by starts the key finds them; only both together say which they are.
  const wanted = `interval = {interval:String} AND symbol IN (${symbols}) AND start IN (${starts})`;
  const own = generation === null ? null : `${quoteName(outputTable(output, generation))} FINAL`;
  return [
    `SELECT toUnixTimestamp64Micro(start), revision, toUInt8(adjusted), toUInt8(provisional), ${publishedColumns().join(', ')}`,
    `FROM ${made ? 'published_bars' : 'published_source_bars'}`,
    `WHERE ${wanted} AND made = ${made} AND (symbol, start) IN (${places})`,
    ...(own === null
      ? []
      : [`AND (symbol, start, end) NOT IN (SELECT symbol, start, end FROM ${own} WHERE ${wanted})`]),
    'FORMAT TabSeparated',
  ].join('\n');
}

function listOf(texts: ReadonlySet<string>): string {
  return Array.from(texts).join(', ');
}

function instant(micros: number): string {
  return `fromUnixTimestamp64Micro(toInt64(${micros}), 'UTC')`;
}
