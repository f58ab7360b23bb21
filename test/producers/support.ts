import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import type { Log } from '../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { type ProduceOptions, type ProduceSummary, produce } from '../../src/producers/produce.ts';
import type { Source } from '../../src/producers/source.ts';

const READ_BOUNDS = { maxRecords: 65_536, maxBytes: 16_777_216 };
const FRAME_BYTES = 5;

/** 2024-08-09 00:10 UTC: just after the trades and quotes of the tests. */
export const NOW_MS = 1_723_162_200_000;

/** A record as avsc decodes it, with the partition that it was in and its key. */
export type StoredRecord = Readonly<Record<string, unknown>> & { readonly partition: number; readonly key: string };

/** A directory of its own with a real log and registry in it. */
export interface Bench {
  readonly directory: string;
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Produces with bounds and a clock that suit tests. */
  produce(source: Source, options?: Partial<ProduceOptions>): Promise<ProduceSummary>;
  /** All records of a topic by partition and offset, decoded with avsc by the schema that the registry has. */
  records(topic: string): Promise<StoredRecord[]>;
  close(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-producers-'));
  const log = await openEmbeddedLog({ directory: join(directory, 'log'), now: () => NOW_MS });
  const registry = await openEmbeddedRegistry({ directory: join(directory, 'log') });
  return {
    directory,
    log,
    registry,
    produce: (source, options = {}) =>
      produce(source, {
        log,
        registry,
        partitions: 4,
        retentionMs: -1,
        bounds: { maxRecords: 10_000, maxBytes: 4_194_304, maxMs: 1_000_000 },
        eventTime: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000, maxAheadMs: 3_600_000 },
        again: false,
        allowLate: false,
        now: () => NOW_MS,
        signal: new AbortController().signal,
        ...options,
      }),
    records: (topic) => readTopic(log, registry, topic),
    async close() {
      await registry.close();
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function readTopic(log: Log, registry: SchemaRegistry, topic: string): Promise<StoredRecord[]> {
  const types = new Map<number, avro.Type>();
  const records: StoredRecord[] = [];
  for (const { partition, begin, end } of await log.ranges(topic)) {
    const reader = await log.openReader([{ topic, partition, offset: begin }]);
    while (reader.position({ topic, partition }) < end) {
      const chunk = await reader.read(READ_BOUNDS, 0);
      if (chunk === null) break;
      for (let i = 0; i < chunk.count; i++) {
        const key = Buffer.from(chunk.data.subarray(chunk.keyStarts[i], chunk.keyEnds[i])).toString();
        const value = Buffer.from(chunk.data.subarray(chunk.valueStarts[i], chunk.valueEnds[i]));
        const id = value.readInt32BE(1);
        const type = types.get(id) ?? avro.Type.forSchema(JSON.parse(await registry.schemaById(id)));
        types.set(id, type);
        records.push({ ...type.fromBuffer(value.subarray(FRAME_BYTES)), partition, key });
      }
    }
    await reader.close();
  }
  return records;
}
