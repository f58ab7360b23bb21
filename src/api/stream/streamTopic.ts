import type { Log, PartitionRange, RecordChunk, TopicPartition } from '../../log/log.ts';

const READ_BOUNDS = { maxRecords: 4_096, maxBytes: 1024 * 1024 };

/** That a bar is new or revised, and which record said so. */
export interface BarChange {
  readonly partition: number;
  readonly offset: number;
  /** The place after it in its partition. */
  readonly next: number;
  readonly symbol: string;
  readonly interval: string;
  /** The same for all revisions of one bar. */
  readonly bar: string;
}

/** A change as it goes to readers. */
export interface BarEvent extends BarChange {
  /** The row as JSON. */
  readonly data: string;
}

export type IsWanted = (change: Pick<BarChange, 'symbol' | 'interval'>) => boolean;

/** A stretch of one partition, from a place to the one before which it ends. */
export interface MissedRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** A topic that live streams read. */
export interface StreamTopic {
  readonly topic: string;
  /** How many places a record has: as many events as may come of it. */
  readonly steps: number;
  /** The consumer group whose positions say what ClickHouse holds of it. */
  readonly sinkGroup: string;
  /** Whether events are of what ClickHouse holds, and so come once it holds their records. */
  readonly followsSink: boolean;
  liveEvents(chunk: RecordChunk): Promise<readonly BarEvent[]>;
  /**
   * The changes of a stretch that are wanted, each bar once, at its newest revision there. They are in the order of their
   * places: after each, whoever has seen it has missed nothing below its place but what a later one replaces. So a reader
   * that is cut off in between resumes at the next place.
   */
  missedEvents(range: MissedRange, isWanted: IsWanted): Promise<Iterable<BarEvent>>;
}

/** By partition, the next offset that ClickHouse has yet to store. */
export async function storedOffsets(
  log: Log,
  { topic, sinkGroup }: StreamTopic,
  ranges: readonly PartitionRange[],
): Promise<readonly number[]> {
  if (ranges.length === 0) return [];
  const stored = await log.committed(sinkGroup);
  return ranges.map(({ partition, begin }) => {
    const own = stored.find((position) => position.topic === topic && position.partition === partition);
    return Math.max(begin, own?.offset ?? begin);
  });
}

/** The changes of a stretch of offsets that are wanted, of each bar the newest, in their order. */
export async function newestChanges<Change extends BarChange>(
  log: Log,
  place: TopicPartition,
  { from, to }: { readonly from: number; readonly to: number },
  changesOf: (chunk: RecordChunk) => Promise<readonly Change[]>,
  isWanted: IsWanted,
  merge: (newer: Change, older: Change) => Change = (newer) => newer,
): Promise<Iterable<Change>> {
  const newest = new Map<string, Change>();
  const reader = await log.openReader([{ ...place, offset: from }]);
  try {
    while (reader.position(place) < to) {
      const chunk = await reader.read(READ_BOUNDS, 0);
      if (chunk === null) break;
      for (const change of await changesOf(chunk)) {
        if (change.offset >= to || !isWanted(change)) continue;
        takeIn(newest, change, merge);
      }
    }
  } finally {
    await reader.close();
  }
  return newest.values();
}

/** Puts a change in place of an older one of its bar, at the end of the order. */
export function takeIn<Change extends BarChange>(
  newest: Map<string, Change>,
  change: Change,
  merge: (newer: Change, older: Change) => Change,
): void {
  const older = newest.get(change.bar);
  // Deleted first, so that the bar goes to the end of the map's order.
  newest.delete(change.bar);
  newest.set(change.bar, older === undefined ? change : merge(change, older));
}
