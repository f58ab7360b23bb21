import { join } from 'node:path';
import { compileEncoder } from '../../../src/core/avro/encoder.ts';
import type { Columns } from '../../../src/core/columns.ts';
import type { RecordSchema } from '../../../src/core/schema.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import type { Log, RecordBytes } from '../../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import type { SchemaRegistry } from '../../../src/log/registry/registry.ts';
import type { ClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import { rawTarget } from '../../../src/sinks/clickhouse/insertTarget.ts';
import { ClickHouseSink, type SinkBounds } from '../../../src/sinks/clickhouse/sink.ts';
import { avroSchema } from './schemas.ts';

export const GROUP = 'sink.test';
export const PARTITIONS = 2;

export interface Store {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  close(): Promise<void>;
}

/** The embedded log and registry of a data directory, with the topics `ticks` and `deadletter`. */
export async function openStore(directory: string): Promise<Store> {
  const log = await openEmbeddedLog({ directory: join(directory, 'log'), now: Date.now });
  const registry = await openEmbeddedRegistry({ directory: join(directory, 'log') });
  for (const topic of ['ticks', 'deadletter'])
    await log.createTopic(topic, { partitions: PARTITIONS, retentionMs: -1 });
  return {
    log,
    registry,
    async close() {
      await registry.close();
      await log.close();
    },
  };
}

export async function openSink(
  { log, registry }: Store,
  clickhouse: ClickHouse,
  bounds: Partial<SinkBounds> = {},
  now: () => number = Date.now,
): Promise<ClickHouseSink> {
  const tick = avroSchema('tick');
  const deadLetter = avroSchema('dead_letter');
  return ClickHouseSink.open({
    log,
    group: GROUP,
    clickhouse,
    sources: [
      { topic: 'ticks', schema: tick, target: rawTarget('ticks_raw', tick) },
      { topic: 'deadletter', schema: deadLetter, target: rawTarget('dead_letters_raw', deadLetter) },
    ],
    bounds: { batchRows: 1_000, batchBytes: 1_000_000, batchMs: 500, insertRetries: 3, ...bounds },
    schemaById: (id) => registry.schemaById(id),
    deadLetters: {
      topic: 'deadletter',
      partitions: PARTITIONS,
      schema: deadLetter,
      schemaId: await registry.register('deadletter-value', deadLetter.text),
    },
    now,
  });
}

/** Records of columns with empty keys. */
export function recordsOf(schema: RecordSchema, columns: Columns, schemaId: number): RecordBytes {
  return {
    count: columns.length,
    keys: new Uint8Array(0),
    keyOffsets: new Int32Array(columns.length + 1),
    ...compileEncoder(schema).encode(columns, null, schemaId),
  };
}
