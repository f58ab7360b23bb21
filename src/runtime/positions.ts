import type { Log, PartitionRange, Position, TopicPartition } from '../log/log.ts';
import { finite, parseMark, placeIn } from './taskPosition.ts';
import { controlTopic } from './topologyTopics.ts';

/** Where a reader of a partition stands, by its committed position, against the partition's end; below zero in a history. */
export interface GroupPosition extends TopicPartition {
  readonly position: number;
  readonly end: number;
  /** Records that it has yet to read. */
  readonly lag: number;
}

/** A task of a topology. */
export interface TaskPosition extends GroupPosition {
  readonly topology: string;
  /** In force at its last commit, epoch microseconds; null before the first record. */
  readonly watermark: number | null;
  /** How far the wall clock has moved it beyond the records, microseconds. */
  readonly clockMicros: number;
}

/** What the name of a topology's control topic ends with. */
const CONTROL_SUFFIX = controlTopic('');

/** Records before these ends that a sink's group has yet to commit, whichever process is to do it. */
export function recordsBehind(log: Log, group: string, ends: readonly PartitionRange[]): Promise<number> {
  return behind(log, group, ends, ({ offset }) => offset);
}

/** Records before these ends that the tasks of a topology have yet to commit, those of its history included. */
export function tasksBehind(log: Log, run: string, ends: readonly PartitionRange[]): Promise<number> {
  return behind(log, run, ends, (position) => placeOf(position, run));
}

async function behind(
  log: Log,
  group: string,
  ends: readonly PartitionRange[],
  placeOf: (committed: Position) => number,
): Promise<number> {
  const committed = await log.committed(group);
  return ends.reduce((sum, { topic, partition, begin, end }) => {
    const own = committed.find((position) => position.topic === topic && position.partition === partition);
    return sum + Math.max(0, end - (own === undefined ? begin : placeOf(own)));
  }, 0);
}

function placeOf(committed: Position, run: string): number {
  return placeIn(committed, parseMark(committed.metadata, `${run}, partition ${committed.partition}`));
}

/** The committed positions of a sink's group, for the partitions that have one. */
export async function groupPositions(log: Log, group: string): Promise<GroupPosition[]> {
  return (await committedOf(log, group)).map(({ committed, end }) => groupPosition(committed, committed.offset, end));
}

/** Where the tasks of every topology in the log stand. @throws TM_POSITION_LOST for a position that no task wrote */
export async function taskPositions(log: Log): Promise<TaskPosition[]> {
  const positions: TaskPosition[] = [];
  for (const { topic } of await log.listTopics()) {
    if (!topic.endsWith(CONTROL_SUFFIX)) continue;
    const topology = topic.slice(0, -CONTROL_SUFFIX.length);
    for (const { committed, end } of await committedOf(log, topology)) {
      const mark = parseMark(committed.metadata, `${topology}, partition ${committed.partition}`);
      const { watermark, recordWatermark } = mark;
      const clockMicros = watermark === recordWatermark ? 0 : watermark - recordWatermark;
      const place = groupPosition(committed, placeIn(committed, mark), end);
      positions.push({ ...place, topology, watermark: finite(watermark), clockMicros });
    }
  }
  return positions;
}

function groupPosition({ topic, partition }: Position, position: number, end: number): GroupPosition {
  return { topic, partition, position, end, lag: end - position };
}

async function committedOf(log: Log, group: string): Promise<{ readonly committed: Position; readonly end: number }[]> {
  const found: { readonly committed: Position; readonly end: number }[] = [];
  for (const committed of await log.committed(group)) {
    const { topic, partition, offset } = committed;
    found.push({ committed, end: (await log.ranges(topic))[partition]?.end ?? offset });
  }
  return found;
}
