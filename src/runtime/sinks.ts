import type { Config } from '../config.ts';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { OutputSpec } from '../core/output.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { deadLetterSchema, lateSchema, quoteSchema, sourceBarSchema, tickSchema } from '../schemas.generated.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { lateTarget, rawTarget } from '../sinks/clickhouse/insertTarget.ts';
import { createOutput } from '../sinks/clickhouse/outputTables.ts';
import { ClickHouseSink, type SinkSource } from '../sinks/clickhouse/sink.ts';
import { DEAD_LETTER_TOPIC, lateTopic } from './topologyTopics.ts';

/** Topics that are stored as they are, with their tables. */
const RAW_TOPICS: readonly (readonly [topic: string, table: string, schema: unknown])[] = [
  ['ticks', 'ticks_raw', tickSchema],
  ['quotes', 'quotes_raw', quoteSchema],
  ['source_bars', 'source_bars_raw', sourceBarSchema],
  [DEAD_LETTER_TOPIC, 'dead_letters_raw', deadLetterSchema],
];

export const RAW_SINK_GROUP = 'sink.raw';

export function resultsSinkGroup(topology: string): string {
  return `sink.${topology}`;
}

export interface SinkParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly clickhouse: ClickHouse;
  readonly config: Config;
  readonly now: () => number;
}

/** Makes the topics that every log has, and a topology's input, where they are missing. */
export async function createInputTopics(log: Log, input: string, settings: TopicSettings): Promise<void> {
  const existing = new Set((await log.listTopics()).map(({ topic }) => topic));
  for (const topic of new Set([...rawTopics(), input])) {
    if (!existing.has(topic)) await log.createTopic(topic, settings);
  }
}

export function rawTopics(): readonly string[] {
  return RAW_TOPICS.map(([topic]) => topic);
}

/** Stores ticks, quotes, source bars and dead letters. */
export async function openRawSink(parts: SinkParts): Promise<ClickHouseSink> {
  const sources = RAW_TOPICS.map(([topic, table, avsc]): SinkSource => {
    const schema = parseRecordSchema(avsc);
    return { topic, schema, target: rawTarget(table, schema) };
  });
  return openSink(parts, RAW_SINK_GROUP, sources);
}

/** Stores a topology's results and its late ledger, making the tables and views that they need. */
export async function openResultsSink(
  parts: SinkParts,
  topology: string,
  generation: number,
  outputs: readonly OutputSpec[],
): Promise<ClickHouseSink> {
  const late = parseRecordSchema(lateSchema);
  const sources: SinkSource[] = [
    { topic: lateTopic(topology), schema: late, target: lateTarget(late, topology, generation) },
  ];
  for (const output of outputs) {
    sources.push({ topic: output.topic, schema: output.schema, target: await createOutput(parts.clickhouse, output) });
  }
  return openSink(parts, resultsSinkGroup(topology), sources);
}

async function openSink(parts: SinkParts, group: string, sources: readonly SinkSource[]): Promise<ClickHouseSink> {
  const { log, registry, clickhouse, config, now } = parts;
  const schema = parseRecordSchema(deadLetterSchema);
  const partitions = (await log.ranges(DEAD_LETTER_TOPIC)).length;
  const schemaId = await registry.register(`${DEAD_LETTER_TOPIC}-value`, schema.text);
  return ClickHouseSink.open({
    log,
    group,
    clickhouse,
    sources,
    bounds: config.sink,
    schemaById: (id) => registry.schemaById(id),
    deadLetters: { topic: DEAD_LETTER_TOPIC, partitions, schema, schemaId },
    now,
  });
}
