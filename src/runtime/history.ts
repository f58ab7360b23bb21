import type { Log, PartitionRange } from '../log/log.ts';
import { rangesIfAny } from '../log/rangesIfAny.ts';

/**
 * Records of a topic of their own that a generation reads before those of its input, partition by partition. Together they
 * are one sequence: a record of the input has its offset as its place, a record of the history a place below zero, so that
 * the last before `end` is at -1.
 */
export interface History {
  readonly topic: string;
  /** By partition, the records that belong to it: what comes later in the topic does not. */
  readonly parts: readonly { readonly begin: number; readonly end: number }[];
}

/** The place of the first record in a partition: below zero where the history has any. */
export function firstPlace(history: History | null, partition: number): number {
  const { begin, end } = history?.parts[partition] ?? NO_RECORDS;
  return begin - end;
}

const NO_RECORDS = { begin: 0, end: 0 };

/** The offset in the history of a place below zero. */
export function historyOffset(history: History, partition: number, place: number): number {
  return place + (history.parts[partition] ?? NO_RECORDS).end;
}

/**
 * The partitions of an input together with the history before it: they begin where the history does, as far as that is still
 * there. Where the input's own first records are gone, there is nothing before them that it would follow.
 */
export async function joinedRanges(
  log: Log,
  topic: string,
  history: History | null,
): Promise<readonly PartitionRange[]> {
  const ranges = await log.ranges(topic);
  if (history === null) return ranges;
  // It may be deleted: tasks that are past their history do without it.
  const left = await rangesIfAny(log, history.topic);
  return ranges.map((range) => {
    const end = history.parts[range.partition]?.end ?? 0;
    const begin = left[range.partition]?.begin ?? end;
    return range.begin > 0 ? range : { ...range, begin: Math.min(0, begin - end) };
  });
}
