import type { Log } from '../../log/log.ts';
import { isUnknownTable } from '../../query/sqlError.ts';
import { type GroupPosition, groupPositions, type TaskPosition } from '../../runtime/positions.ts';
import type { ClickHouse } from '../../sinks/clickhouse/connect.ts';
import type { ShownBar } from './view.ts';

/** Records in a topic; none when there is no such topic yet. */
export async function recordsIn(log: Log, topic: string): Promise<number> {
  const isKnown = (await log.listTopics()).some((known) => known.topic === topic);
  if (!isKnown) return 0;
  return (await log.ranges(topic)).reduce((sum, { begin, end }) => sum + end - begin, 0);
}

/** How far wall-clock time is ahead of the slowest task's watermark; null before there is one. */
export function watermarkLagMs(tasks: readonly TaskPosition[], nowMs: number): number | null {
  const watermarks = tasks.flatMap(({ watermark }) => (watermark === null ? [] : [watermark]));
  return watermarks.length === 0 ? null : nowMs - Math.min(...watermarks) / 1_000;
}

/** Whether a group's positions have reached the ends of topics; a partition without records has been. */
export async function hasReachedEnds(log: Log, group: string, topics: readonly string[]): Promise<boolean> {
  const positions = await groupPositions(log, group);
  for (const topic of topics) {
    for (const { partition, begin, end } of await log.ranges(topic)) {
      if (positionOf(positions, topic, partition, begin) < end) return false;
    }
  }
  return true;
}

function positionOf(positions: readonly GroupPosition[], topic: string, partition: number, begin: number): number {
  return positions.find((own) => own.topic === topic && own.partition === partition)?.position ?? begin;
}

export interface StoredCounts {
  readonly ticks: number;
  readonly bars: number;
  readonly late: number;
}

/** What ClickHouse serves: exact, by the views that everyone queries. */
export async function storedCounts(clickhouse: ClickHouse): Promise<StoredCounts> {
  const [counts] = await clickhouse.rows<Record<keyof StoredCounts, string>>(
    'SELECT (SELECT count() FROM ticks) AS ticks, (SELECT count() FROM bars) AS bars, (SELECT count() FROM late) AS late',
  );
  return { ticks: Number(counts?.ticks), bars: Number(counts?.bars), late: Number(counts?.late) };
}

/**
 * Rows of ticks and bars that ClickHouse holds, told from its parts at once: rows that a crash made it store twice count
 * twice until it merges them.
 */
export async function rowsNow(clickhouse: ClickHouse): Promise<{ ticks: number; bars: number }> {
  const rows = await clickhouse.rows<{ name: string; rows: string }>(
    "SELECT if(table = 'ticks_raw', 'ticks', 'bars') AS name, sum(rows) AS rows FROM system.parts " +
      "WHERE active AND database = currentDatabase() AND (table = 'ticks_raw' OR table LIKE 'bars\\_\\_g%') GROUP BY name",
  );
  const of = (name: string): number => Number(rows.find((row) => row.name === name)?.rows ?? 0);
  return { ticks: of('ticks'), bars: of('bars') };
}

/** The last one-second bar of a few symbols; none before the first bars are stored. */
export async function lastBars(clickhouse: ClickHouse, symbols: number): Promise<ShownBar[]> {
  try {
    return await clickhouse.rows<ShownBar>(
      "SELECT symbol, formatDateTime(start, '%H:%i:%S') AS start, open, high, low, close, toString(volume) AS volume, " +
        `toInt32(count) AS count FROM bars_latest WHERE interval = '1s' ORDER BY symbol LIMIT ${symbols}`,
    );
  } catch (error) {
    if (isUnknownTable(error)) return [];
    throw error;
  }
}
