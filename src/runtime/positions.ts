import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import type { Columns } from '../core/columns.ts';
import type { Log, PartitionRange, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { controlSchema } from '../schemas.generated.ts';

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
}

const CONTROL_SUFFIX = '.control';
const ONE_RECORD = { maxRecords: 1, maxBytes: 1 };

/** Whether a group has committed all that lies before these ends, whichever processes have done it. */
export async function isCommittedTo(log: Log, group: string, ends: readonly PartitionRange[]): Promise<boolean> {
  const committed = await log.committed(group);
  return ends.every(({ topic, partition, begin, end }) => {
    const own = committed.find((position) => position.topic === topic && position.partition === partition);
    return (own?.offset ?? begin) >= end;
  });
}

/** The committed positions of a consumer group, for the partitions that have one. */
export async function groupPositions(log: Log, group: string): Promise<GroupPosition[]> {
  const committed = await log.committed(group);
  const positions: GroupPosition[] = [];
  for (const { topic, partition, offset } of committed) {
    const end = (await log.ranges(topic))[partition]?.end ?? offset;
    positions.push({ topic, partition, position: offset, end, lag: end - offset });
  }
  return positions;
}

/** Where the tasks of every topology in the log stand. */
export async function taskPositions(log: Log, registry: SchemaRegistry): Promise<TaskPosition[]> {
  const decoder = new TopicDecoder(parseRecordSchema(controlSchema), (id) => registry.schemaById(id));
  const positions: TaskPosition[] = [];
  for (const { topic } of await log.listTopics()) {
    if (!topic.endsWith(CONTROL_SUFFIX)) continue;
    const topology = topic.slice(0, -CONTROL_SUFFIX.length);
    const watermarks = await lastWatermarks(log, decoder, topic);
    for (const position of await groupPositions(log, topology)) {
      positions.push({ ...position, topology, watermark: watermarks.get(position.partition) ?? null });
    }
  }
  return positions;
}

/** By partition, the watermark in the last record of a control topic. */
async function lastWatermarks(log: Log, decoder: TopicDecoder, topic: string): Promise<Map<number, number | null>> {
  const watermarks = new Map<number, number | null>();
  for (const { partition, begin, end } of await log.ranges(topic)) {
    if (end === begin) continue;
    const reader = await log.openReader([{ topic, partition, offset: end - 1 }]);
    try {
      const chunk = await reader.read(ONE_RECORD, 0);
      if (chunk !== null) watermarks.set(partition, firstLong((await decoder.decode(chunk)).columns, 'watermark'));
    } finally {
      await reader.close();
    }
  }
  return watermarks;
}

function firstLong(columns: Columns, field: string): number | null {
  const column = columns.byName.get(field);
  if (column?.kind !== 'long' || column.nulls?.[0] === 1) return null;
  return column.values[0] ?? null;
}
