import { compileEncoder } from '../../src/core/avro/encoder.ts';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { RowView } from '../../src/core/avro/rowView.ts';
import { TopicDecoder } from '../../src/core/avro/topicDecoder.ts';
import { generationTopic } from '../../src/core/output.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import type { Log, RecordBytes } from '../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import { TopologyRunner, type TopologyRunnerOptions } from '../../src/runtime/topologyRunner.ts';
import { TopologyTopics } from '../../src/runtime/topologyTopics.ts';
import { tickSchema } from '../../src/schemas.generated.ts';
import type { Topology } from '../../src/topology/topology.ts';
import { readToEnd } from '../log/records.ts';
import { type TestTick, tickColumns } from './drive.ts';

const TICK = parseRecordSchema(tickSchema);
const FOREVER = { retentionMs: -1 };

/** Append time of every record of a test's store: long after the ticks' event times. */
export const APPENDED_MS = 1_800_000_000_000;

/** Opens a log with its registry for the length of `body`. */
export async function inStore<T>(
  directory: string,
  body: (log: Log, registry: SchemaRegistry) => Promise<T>,
): Promise<T> {
  const log = await openEmbeddedLog({ directory, now: () => APPENDED_MS });
  const registry = await openEmbeddedRegistry({ directory });
  try {
    return await body(log, registry);
  } finally {
    await registry.close();
    await log.close();
  }
}

/** Appends ticks to a topic, each to the partition that `partitionOf` gives. */
export function appendTicks(
  directory: string,
  partitions: number,
  ticks: readonly TestTick[],
  partitionOf: (tick: TestTick) => number,
  topic = 'ticks',
): Promise<void> {
  return inStore(directory, (log, registry) => appendTicksTo(log, registry, partitions, ticks, partitionOf, topic));
}

export async function appendTicksTo(
  log: Log,
  registry: SchemaRegistry,
  partitions: number,
  ticks: readonly TestTick[],
  partitionOf: (tick: TestTick) => number,
  topic = 'ticks',
): Promise<void> {
  await log.createTopic(topic, { partitions, ...FOREVER });
  const id = await registry.register(`${topic}-value`, TICK.text);
  const writer = await log.openWriter('test');
  const appends = Array.from({ length: partitions }, (_, partition) => {
    const own = ticks.filter((tick) => partitionOf(tick) === partition);
    return { topic, partition, records: encoded(own, id) };
  });
  await writer.commit({ appends: appends.filter(({ records }) => records.count > 0), positions: [] });
  await writer.close();
}

function encoded(ticks: readonly TestTick[], schemaId: number): RecordBytes {
  const keys = ticks.map(({ instrument }) => Buffer.from(instrument));
  const keyOffsets = new Int32Array(keys.length + 1);
  for (const [i, key] of keys.entries()) keyOffsets[i + 1] = (keyOffsets[i] as number) + key.length;
  const values = compileEncoder(TICK).encode(tickColumns(ticks), null, schemaId);
  return { count: ticks.length, keys: Buffer.concat(keys), keyOffsets, ...values };
}

/** Of a runner over a store's ticks: wide bounds, a clock that stands still. */
export async function runnerOptions(
  log: Log,
  registry: SchemaRegistry,
  topology: Topology,
  partitions: number,
  generation = 1,
): Promise<TopologyRunnerOptions> {
  const plan = planTopology(topology, topology.params, generation);
  const run = generationTopic(topology.name, generation);
  return {
    log,
    registry,
    topology,
    params: topology.params,
    generation,
    topics: await TopologyTopics.create(log, registry, run, plan, { partitions, ...FOREVER }),
    readBounds: { maxRecords: 10_000, maxBytes: 1_000_000 },
    commitBounds: { maxRecords: 10_000, maxBytes: 1_000_000, intervalMs: 1e9 },
    mergeBounds: { maxSkewMs: 1e9, maxBufferedRecords: 1_000_000 },
    idleTimeoutMs: 1e9,
    wallClockBounds: { wallClockAfterMs: 1e9, wallClockEveryMs: 1 },
    maxRereadRecords: 1_000_000,
    maxAheadMs: 3_600_000,
    now: () => 0,
  };
}

/** A runner with the tasks of all partitions. */
export async function openRunner(
  log: Log,
  registry: SchemaRegistry,
  topology: Topology,
  partitions: number,
  options: Partial<TopologyRunnerOptions> = {},
): Promise<TopologyRunner> {
  const standard = await runnerOptions(log, registry, topology, partitions, options.generation);
  const runner = await TopologyRunner.open({ ...standard, ...options });
  await runner.add(Array.from({ length: partitions }, (_, partition) => partition));
  return runner;
}

/** Keys and values of a topic as text of one character a byte, by partition, in order. */
export async function contentsOf(directory: string, topic: string): Promise<string[][]> {
  return inStore(directory, async (log) => {
    const all: string[][] = [];
    for (const { partition, begin } of await log.ranges(topic)) {
      const reader = await log.openReader([{ topic, partition, offset: begin }]);
      all.push((await readToEnd(reader)).map(({ key, value }) => `${key}:${value}`));
      await reader.close();
    }
    return all;
  });
}

/** The rows of a topic of one schema, partition after partition. */
export async function rowsOf<Row>(directory: string, topic: string, avsc: unknown): Promise<Row[]> {
  const schema = parseRecordSchema(avsc);
  return inStore(directory, async (log, registry) => {
    const decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
    const view = new RowView<Row>(schema);
    const rows: Row[] = [];
    for (const { partition, begin, end } of await log.ranges(topic)) {
      const reader = await log.openReader([{ topic, partition, offset: begin }]);
      while (reader.position({ topic, partition }) < end) {
        const chunk = await reader.read({ maxRecords: 10_000, maxBytes: 1_000_000 }, 0);
        if (chunk === null) break;
        const { columns } = await decoder.decode(chunk);
        view.bind(columns);
        for (let i = 0; i < columns.length; i++) rows.push({ ...view.at(i) });
      }
      await reader.close();
    }
    return rows;
  });
}
