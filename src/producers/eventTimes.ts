import type { Columns } from '../core/columns.ts';
import { formatIsoMicros, MICROS_PER_MS } from '../core/time.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, Position } from '../log/log.ts';
import { byPartition, type PartitionRows } from './byPartition.ts';
import type { Source, SourceBatch } from './source.ts';

const EVENT_TIME = 'eventTime';
export const KEY_FIELD = 'instrument';

/** How far event time may go back in a topic, and how far ahead of the clock it may be. */
export interface EventTimeBounds {
  readonly outOfOrdernessMs: number;
  readonly allowedLatenessMs: number;
  /** A record further ahead of the clock than this does not count: topologies refuse it as well. */
  readonly maxAheadMs: number;
}

/**
 * The group whose positions hold the highest event time of each partition of a topic. All producers keep it in their
 * transactions, so that one can tell history from news. It guards against mistakes; no result depends on it.
 */
export function eventTimeGroup(topic: string): string {
  return `topic.${topic}.eventtime`;
}

/** Highest event times in epoch microseconds, by partition. */
export async function highestEventTimes(log: Log, topic: string): Promise<Map<number, number>> {
  const highest = new Map<number, number>();
  for (const { partition, metadata } of await log.committed(eventTimeGroup(topic))) {
    const { maxEventTimeMicros } = JSON.parse(metadata) as { maxEventTimeMicros: number };
    highest.set(partition, maxEventTimeMicros);
  }
  return highest;
}

/** The positions of `eventTimeGroup` that records raise, `highest` being what is committed. */
export function raisedEventTimes(
  highest: ReadonlyMap<number, number>,
  topic: string,
  columns: Columns,
  parts: readonly PartitionRows[],
  highestMicros: number,
): readonly Position[] {
  const times = eventTimes(columns);
  return parts.flatMap(({ partition, rows }) => {
    const before = highest.get(partition) ?? Number.NEGATIVE_INFINITY;
    let max = before;
    for (const row of rows) {
      const time = times[row] as number;
      if (time > max && time <= highestMicros) max = time;
    }
    if (max === before) return [];
    return [{ topic, partition, offset: 0, metadata: JSON.stringify({ maxEventTimeMicros: max }) }];
  });
}

function eventTimes(columns: Columns): Float64Array {
  const column = columns.byName.get(EVENT_TIME);
  if (column?.kind === 'long') return column.values;
  throw new TidemarkError('TM_COLUMN_KIND', `Field '${EVENT_TIME}' is not a time.`);
}

/**
 * Refuses a source with rows that a topology would find late: history, which belongs in a topic of its own.
 * @throws TM_PRODUCE_HISTORY
 */
export async function refuseHistory(
  log: Log,
  source: Source,
  { outOfOrdernessMs, allowedLatenessMs }: EventTimeBounds,
  preview: AsyncIterable<SourceBatch['outputs']>,
): Promise<void> {
  const highest = new Map<string, Map<number, number>>();
  const partitions = new Map<string, number>();
  for (const { topic } of source.targets) {
    highest.set(topic, await highestEventTimes(log, topic));
    partitions.set(topic, (await log.ranges(topic)).length);
  }
  if ([...highest.values()].every(({ size }) => size === 0)) return;
  const behindMicros = (outOfOrdernessMs + allowedLatenessMs) * MICROS_PER_MS;
  let rows = 0;
  let late = 0;
  let oldest = Number.POSITIVE_INFINITY;
  for await (const outputs of preview) {
    for (const { target, columns } of outputs) {
      const times = eventTimes(columns);
      rows += columns.length;
      for (const part of byPartition(columns, KEY_FIELD, partitions.get(target.topic) ?? 1)) {
        const max = highest.get(target.topic)?.get(part.partition) ?? Number.NEGATIVE_INFINITY;
        for (const row of part.rows) {
          const time = times[row] as number;
          if (time > max - behindMicros) continue;
          late++;
          oldest = Math.min(oldest, time);
        }
      }
    }
  }
  if (late === 0) return;
  const newest = Math.max(...[...highest.values()].flatMap((times) => [...times.values()]));
  throw new TidemarkError(
    'TM_PRODUCE_HISTORY',
    `${late} of ${rows} rows would be late: they begin at ${formatIsoMicros(oldest)}, and the topic has come to ${formatIsoMicros(newest)}`,
    {
      where: source.targets.map(({ topic }) => topic).join(', '),
      hint: 'nothing was written; produce them into a topic of their own (--topic NAME), which `tidemark replay start --history NAME` joins, or as late rows (--allow-late)',
    },
  );
}
