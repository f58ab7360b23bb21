import type { Log, PartitionRange, TopicPartition } from '../log/log.ts';
import { finite, parseMark } from './taskPosition.ts';
import { controlTopic } from './topologyTopics.ts';

/** Where a reader of a partition stands, by its committed position, against the partition's end. */
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

/** Records before these ends that a group has yet to commit, whichever processes are to do it. */
export async function recordsBehind(log: Log, group: string, ends: readonly PartitionRange[]): Promise<number> {
  const committed = await log.committed(group);
  return ends.reduce((sum, { topic, partition, begin, end }) => {
    const own = committed.find((position) => position.topic === topic && position.partition === partition);
    return sum + Math.max(0, end - (own?.offset ?? begin));
  }, 0);
}

/** The committed positions of a consumer group, for the partitions that have one. */
export async function groupPositions(log: Log, group: string): Promise<GroupPosition[]> {
  return (await committedPlaces(log, group)).map(({ place }) => place);
}

/** Where the tasks of every topology in the log stand. @throws TM_POSITION_LOST for a position that no task wrote */
export async function taskPositions(log: Log): Promise<TaskPosition[]> {
  const positions: TaskPosition[] = [];
  for (const { topic } of await log.listTopics()) {
    if (!topic.endsWith(CONTROL_SUFFIX)) continue;
    const topology = topic.slice(0, -CONTROL_SUFFIX.length);
    for (const { place, metadata } of await committedPlaces(log, topology)) {
      const { watermark, recordWatermark } = parseMark(metadata, `${topology}, partition ${place.partition}`);
      const clockMicros = watermark === recordWatermark ? 0 : watermark - recordWatermark;
      positions.push({ ...place, topology, watermark: finite(watermark), clockMicros });
    }
  }
  return positions;
}

async function committedPlaces(
  log: Log,
  group: string,
): Promise<{ readonly place: GroupPosition; readonly metadata: string }[]> {
  const places: { readonly place: GroupPosition; readonly metadata: string }[] = [];
  for (const { topic, partition, offset, metadata } of await log.committed(group)) {
    const end = (await log.ranges(topic))[partition]?.end ?? offset;
    places.push({ place: { topic, partition, position: offset, end, lag: end - offset }, metadata });
  }
  return places;
}
