import { compileEncoder, type Encoder } from '../core/avro/encoder.ts';
import type { Columns } from '../core/columns.ts';
import type { RecordSchema } from '../core/schema.ts';
import type { Log, TopicDescription, Transaction } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { PartitionRows } from './byPartition.ts';

/** A topic as it is written to. */
export interface TopicWriter {
  readonly topic: string;
  readonly partitions: number;
  readonly schemaId: number;
  readonly encoder: Encoder;
}

export interface TopicParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Of a topic that is missing. */
  readonly partitions: number;
  readonly retentionMs: number;
}

/** Registers the schema of a topic, which is made when it is none of the existing ones. */
export async function openTopic(
  { topic, schema }: { readonly topic: string; readonly schema: RecordSchema },
  { log, registry, partitions, retentionMs }: TopicParts,
  existing: readonly TopicDescription[],
): Promise<TopicWriter> {
  const found = existing.find((description) => description.topic === topic);
  if (found === undefined) await log.createTopic(topic, { partitions, retentionMs });
  const schemaId = await registry.register(`${topic}-value`, schema.text);
  return { topic, partitions: found?.partitions ?? partitions, schemaId, encoder: compileEncoder(schema) };
}

/** What is appended to a topic: rows of columns, parted as `byPartition` has parted them. */
export function encodeParts(
  { topic, schemaId, encoder }: TopicWriter,
  columns: Columns,
  parts: readonly PartitionRows[],
): Transaction['appends'] {
  return parts.map(({ partition, rows, keys, keyOffsets }) => ({
    topic,
    partition,
    records: { count: rows.length, keys, keyOffsets, ...encoder.encode(columns, rows, schemaId) },
  }));
}
