import type { Config } from '../config.ts';
import { type Selection, splitAhead } from '../core/aheadOfAppend.ts';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { DEAD_LETTER_MARK_TOPIC, DEAD_LETTER_TOPIC } from '../core/deadLetterTopics.ts';
import { timesOf, timesOutside, windowsOutside } from '../core/timeRange.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import {
  deadLetterMarkSchema,
  deadLetterSchema,
  lateSchema,
  quoteSchema,
  sourceBarSchema,
  tickSchema,
} from '../schemas.generated.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import {
  type InsertTarget,
  lateTarget,
  rawTarget,
  resultsTarget,
  sourceBarsTarget,
} from '../sinks/clickhouse/insertTarget.ts';
import { createOutput } from '../sinks/clickhouse/outputTables.ts';
import { ClickHouseSink, type SinkSource } from '../sinks/clickhouse/sink.ts';
import type { GenerationPlan, TakenOver } from './generationPlan.ts';
import { lateTopic, stageRuns } from './topologyTopics.ts';

const LATE = parseRecordSchema(lateSchema);

/** Of bars that sources publish, as time goes on and of history. */
export const PUBLISHED_TOPICS = ['source_bars', 'source_bars_history'] as const;
const [BARS_TOPIC, HISTORY_TOPIC] = PUBLISHED_TOPICS;
const SOURCE_BAR = parseRecordSchema(sourceBarSchema);

/** Topics that are stored as they are. */
const RAW_SOURCES: readonly SinkSource[] = [
  rawSource('ticks', 'ticks_raw', tickSchema),
  rawSource('quotes', 'quotes_raw', quoteSchema),
  { topic: BARS_TOPIC, schema: SOURCE_BAR, target: sourceBarsTarget(SOURCE_BAR, false) },
  { topic: HISTORY_TOPIC, schema: SOURCE_BAR, target: sourceBarsTarget(SOURCE_BAR, true) },
  rawSource(DEAD_LETTER_TOPIC, 'dead_letters_raw', deadLetterSchema),
  rawSource(DEAD_LETTER_MARK_TOPIC, 'dead_letter_marks_raw', deadLetterMarkSchema),
];

/** Topics of what happened at an instant. */
const OF_EVENTS: ReadonlySet<string> = new Set(['ticks', 'quotes']);

function rawSource(topic: string, table: string, avsc: unknown): SinkSource {
  const schema = parseRecordSchema(avsc);
  return { topic, schema, target: rawTarget(table, schema) };
}

export const RAW_SINK_GROUP = 'sink.raw';

/** @param run the topology's name, with its generation */
export function resultsSinkGroup(run: string): string {
  return `sink.${run}`;
}

export interface SinkParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly clickhouse: ClickHouse;
  readonly config: Config;
  readonly now: () => number;
}

/** Makes the topics that every log has, and a topology's inputs, where they are missing. */
export async function createInputTopics(log: Log, inputs: readonly string[], settings: TopicSettings): Promise<void> {
  const existing = new Set((await log.listTopics()).map(({ topic }) => topic));
  for (const topic of new Set([...rawTopics(), ...inputs])) {
    if (!existing.has(topic)) await log.createTopic(topic, settings);
  }
}

export function rawTopics(): readonly string[] {
  return RAW_SOURCES.map(({ topic }) => topic);
}

/** Stores ticks, quotes, source bars, dead letters and what was done with them. */
export async function openRawSink(parts: SinkParts): Promise<ClickHouseSink> {
  const { maxAheadMs } = parts.config.watermark;
  return openSink(
    parts,
    RAW_SINK_GROUP,
    RAW_SOURCES.map((source) => withoutAhead(source, maxAheadMs)),
  );
}

/**
 * What is too far ahead is no tick to topologies until it is released, and none here: it would be there twice then, and be
 * the latest price for ever. Source bars are kept as vendors label them.
 */
function withoutAhead(source: SinkSource, maxAheadMs: number): SinkSource {
  if (!OF_EVENTS.has(source.topic)) return source;
  const bound = { timeField: 'eventTime', maxAheadMs };
  return { ...source, select: (columns, times) => splitAhead(timesOf(columns, bound.timeField), times, bound) };
}

/** Stores the results and the late ledger of a generation, making the tables that they need. */
export async function openResultsSink(parts: SinkParts, plan: GenerationPlan): Promise<ClickHouseSink> {
  const own = { ...plan, generation: plan.generation.number, outside: [] };
  const tables = new Map<string, InsertTarget>();
  for (const output of plan.outputs) tables.set(output.name, await createOutput(parts.clickhouse, output));
  const sources = [own, ...plan.takenOver].flatMap((written) => writtenBy(written, plan, tables));
  return openSink(parts, resultsSinkGroup(plan.run), sources);
}

/** The topics that the sink of a generation reads. */
export function resultsTopics(plan: GenerationPlan): readonly string[] {
  return [plan, ...plan.takenOver].flatMap(({ outputs, run, repartitions }) => [
    ...outputs.map(({ topic }) => topic),
    ...stageRuns(run, repartitions).map(lateTopic),
  ]);
}

/** What a generation stores of what it, or one before it, has written. */
function writtenBy(
  { generation, run, outputs, repartitions, outside }: TakenOver,
  { topology, generation: own }: GenerationPlan,
  targets: ReadonlyMap<string, InsertTarget>,
): SinkSource[] {
  const isOwn = generation === own.number;
  const ledger = { topology: topology.name, generation: own.number, takenFrom: isOwn ? 0 : generation };
  const late = stageRuns(run, repartitions).map(
    (each): SinkSource => ({
      topic: lateTopic(each),
      schema: LATE,
      target: lateTarget(LATE, ledger),
      ...(isOwn ? {} : { select: (columns) => only(timesOutside(outside, timesOf(columns, 'eventTime'))) }),
    }),
  );
  const results = outputs.flatMap((output): SinkSource[] => {
    const table = targets.get(output.name)?.table;
    if (table === undefined) return [];
    return [
      {
        topic: output.topic,
        schema: output.schema,
        target: resultsTarget(table, output),
        ...(isOwn ? {} : { select: (columns) => only(windowsOutside(outside, columns)) }),
      },
    ];
  });
  return [...late, ...results];
}

function only(kept: Int32Array): Selection {
  return { kept, refused: [] };
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
