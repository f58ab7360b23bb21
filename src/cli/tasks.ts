import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import type { Columns } from '../core/columns.ts';
import type { Log, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { controlSchema } from '../schemas.generated.ts';

/** Where one task of a topology stands: what its last transaction recorded, against its input's end. */
export interface TaskPosition extends TopicPartition {
  readonly topology: string;
  readonly position: number;
  readonly end: number;
  /** Records that it has yet to process. */
  readonly lag: number;
  /** Epoch microseconds; null before the first record. */
  readonly watermark: number | null;
}

const CONTROL_SUFFIX = '.control';
const ONE_RECORD = { maxRecords: 1, maxBytes: 1 };

/** Where the tasks of every topology in the log stand, by topology, then partition. */
export async function taskPositions(log: Log, registry: SchemaRegistry): Promise<TaskPosition[]> {
  const decoder = new TopicDecoder(parseRecordSchema(controlSchema), (id) => registry.schemaById(id));
  const positions: TaskPosition[] = [];
  for (const { topic } of await log.listTopics()) {
    if (!topic.endsWith(CONTROL_SUFFIX)) continue;
    const topology = topic.slice(0, -CONTROL_SUFFIX.length);
    const watermarks = await lastWatermarks(log, decoder, topic);
    for (const { topic: input, partition, offset } of await log.committed(topology)) {
      const end = (await log.ranges(input))[partition]?.end ?? offset;
      const watermark = watermarks.get(partition) ?? null;
      positions.push({ topology, topic: input, partition, position: offset, end, lag: end - offset, watermark });
    }
  }
  return positions;
}

/** The watermark in the last record of each partition of a control topic. */
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
