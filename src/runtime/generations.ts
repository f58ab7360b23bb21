import { compileEncoder } from '../core/avro/encoder.ts';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../core/columnsBuilder.ts';
import { ALL_TIME, type TimeRange } from '../core/timeRange.ts';
import type { Log, TransactionalWriter } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type Generation as GenerationRow, generationSchema } from '../schemas.generated.ts';
import type { ParamValue } from '../topology/topology.ts';
import type { History } from './history.ts';
import { TopicRows } from './topicRows.ts';

const SCHEMA = parseRecordSchema(generationSchema);
const KINDS = ['started', 'served', 'dropped'] as const;
const NUMBERS = [
  'generation',
  'partition',
  'base',
  'position',
  'controlSequence',
  'controlOffset',
  'historyBegin',
  'historyEnd',
] as const;
/** Decisions are in one order. */
const PARTITION = 0;

/** Where the task of one partition of a new generation starts: the state of its base there, and what the base does next. */
export interface GenerationStart {
  readonly position: number;
  readonly watermark: number | null;
  readonly maxEventTime: number | null;
  /** Controls of the base that applied before the position. */
  readonly controlSequence: number;
  /** Where the base's control records are followed from. */
  readonly controlOffset: number;
}

/** Where the base of a generation ended, for one partition. */
export interface HandOver {
  readonly position: number;
  readonly controlSequence: number;
}

/** A generation of a topology's results. The first needs no record: it is there from the beginning and has no base. */
export interface Generation {
  readonly number: number;
  readonly base: number | null;
  /** Windows that share an instant with it are computed anew; the others are the base's. */
  readonly range: TimeRange;
  readonly fingerprint: string | null;
  /** In place of the topology's own values; null for the first generation, whose values are given with each run. */
  readonly params: Readonly<Record<string, ParamValue>> | null;
  /** Read before the input; null for none. */
  readonly history: History | null;
  /** By partition. */
  readonly starts: readonly GenerationStart[];
  /** By partition; null until the swap. */
  readonly handOvers: readonly HandOver[] | null;
  /** True once it can be served no more. */
  readonly isDropped: boolean;
}

const FIRST: Generation = {
  number: 1,
  base: null,
  range: ALL_TIME,
  fingerprint: null,
  params: null,
  history: null,
  starts: [],
  handOvers: null,
  isDropped: false,
};

/** All generations of a topology, and which is served. */
export interface Generations {
  readonly all: readonly Generation[];
  /** The generation whose tasks are the live ones, and which is served. */
  readonly live: number;
  /** Swaps and rollbacks so far. */
  readonly swaps: number;
}

export interface GenerationParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: string;
}

export function generationsTopic(topology: string): string {
  return `${topology}.generations`;
}

/** What the log says of a topology's generations. */
export async function readGenerations(parts: GenerationParts): Promise<Generations> {
  const topic = generationsTopic(parts.topology);
  const exists = (await parts.log.listTopics()).some((known) => known.topic === topic);
  const range = exists ? (await parts.log.ranges(topic))[PARTITION] : undefined;
  if (range === undefined) return { all: [FIRST], live: FIRST.number, swaps: 0 };
  const rows: GenerationRow[] = [];
  const reader = await TopicRows.open<GenerationRow>(parts, SCHEMA, [{ ...range, offset: range.begin }]);
  try {
    while (reader.position(range) < range.end) {
      const read = await reader.read(0);
      if (read.length === 0) break;
      rows.push(...read.map(({ row }) => row));
    }
  } finally {
    await reader.close();
  }
  return generationsOf(rows);
}

function generationsOf(rows: readonly GenerationRow[]): Generations {
  const all = new Map<number, Generation>([[FIRST.number, FIRST]]);
  let live = FIRST.number;
  let swaps = 0;
  for (const decision of decisionsOf(rows)) {
    const [first] = decision;
    if (first === undefined) continue;
    const known = all.get(first.generation);
    if (first.kind === 'started') all.set(first.generation, startedBy(first, decision));
    if (known === undefined) continue;
    if (first.kind === 'dropped') all.set(known.number, { ...known, isDropped: true });
    if (first.kind === 'served') all.set(known.number, { ...known, handOvers: decision.map(handOverOf) });
    const next = liveAfter(first.kind, known, live);
    if (next !== live) swaps++;
    live = next;
  }
  return { all: [...all.values()], live, swaps };
}

function handOverOf({ position, controlSequence }: GenerationRow): HandOver {
  return { position, controlSequence };
}

function historyPartOf({ historyBegin, historyEnd }: GenerationRow): History['parts'][number] {
  return { begin: historyBegin, end: historyEnd };
}

/** A swap makes its generation the live one; dropping the live one takes that back. */
function liveAfter(kind: GenerationRow['kind'], { number, base }: Generation, live: number): number {
  if (kind === 'served') return number;
  return kind === 'dropped' && number === live ? (base ?? live) : live;
}

/** The rows of each decision: its partitions rise. */
function decisionsOf(rows: readonly GenerationRow[]): GenerationRow[][] {
  const decisions: GenerationRow[][] = [];
  for (const row of rows) {
    if (row.partition === 0) decisions.push([]);
    decisions.at(-1)?.push(row);
  }
  return decisions;
}

function startedBy(first: GenerationRow, decision: readonly GenerationRow[]): Generation {
  return {
    number: first.generation,
    base: first.base,
    range: { fromMicros: first.from ?? ALL_TIME.fromMicros, toMicros: first.to ?? ALL_TIME.toMicros },
    fingerprint: first.fingerprint,
    params: JSON.parse(first.params) as Record<string, ParamValue>,
    history: first.history === null ? null : { topic: first.history, parts: decision.map(historyPartOf) },
    starts: decision.map(({ position, watermark, maxEventTime, controlSequence, controlOffset }) => ({
      position,
      watermark,
      maxEventTime,
      controlSequence,
      controlOffset,
    })),
    handOvers: null,
    isDropped: false,
  };
}

/** A decision on a generation: what is recorded beside the generation itself. */
export type Decision =
  | { readonly kind: 'started'; readonly starts: readonly GenerationStart[] }
  | { readonly kind: 'served'; readonly handOvers: readonly HandOver[] }
  | { readonly kind: 'dropped' };

/** Records a decision in one transaction, making the topic where it is missing. */
export async function recordDecision(
  { log, registry, topology }: GenerationParts,
  writer: TransactionalWriter,
  generation: Generation,
  decision: Decision,
): Promise<void> {
  const topic = generationsTopic(topology);
  await log.createTopic(topic, { partitions: 1, retentionMs: -1 });
  const schemaId = await registry.register(`${topic}-value`, SCHEMA.text);
  const rows = rowsOf(generation, decision);
  const builder = new ColumnsBuilder(SCHEMA, rows.length);
  for (const row of rows) addRow(builder, row);
  const { values, valueOffsets } = compileEncoder(SCHEMA).encode(builder.finish(), null, schemaId);
  const key = new TextEncoder().encode(topology);
  const keys = new Uint8Array(key.length * rows.length);
  rows.forEach((_, i) => {
    keys.set(key, i * key.length);
  });
  const keyOffsets = Int32Array.from({ length: rows.length + 1 }, (_, i) => i * key.length);
  const records = { count: rows.length, keys, keyOffsets, values, valueOffsets };
  await writer.commit({ appends: [{ topic, partition: PARTITION, records }], positions: [] });
}

function rowsOf(generation: Generation, decision: Decision): GenerationRow[] {
  const { number, base, range, fingerprint, params, history } = generation;
  const common = {
    kind: decision.kind,
    generation: number,
    base: base ?? number,
    from: finite(range.fromMicros),
    to: finite(range.toMicros),
    fingerprint: fingerprint ?? '',
    params: JSON.stringify(params ?? {}),
    position: 0,
    controlSequence: 0,
    controlOffset: 0,
    watermark: null,
    maxEventTime: null,
    history: null,
    historyBegin: 0,
    historyEnd: 0,
  };
  const places = placesOf(decision, history);
  return places.map((place, partition) => ({ ...common, ...place, partition }));
}

/** What a decision holds besides, by partition. */
function placesOf(decision: Decision, history: History | null): readonly Partial<GenerationRow>[] {
  if (decision.kind === 'dropped') return [{}];
  if (decision.kind === 'served') return decision.handOvers;
  return decision.starts.map((start, partition) => {
    const part = history?.parts[partition];
    if (history === null || part === undefined) return start;
    return { ...start, history: history.topic, historyBegin: part.begin, historyEnd: part.end };
  });
}

function addRow(builder: ColumnsBuilder, row: GenerationRow): void {
  builder.setCode(builder.fieldIndex('kind'), KINDS.indexOf(row.kind));
  for (const field of NUMBERS) {
    builder.setNumber(builder.fieldIndex(field), row[field]);
  }
  for (const field of ['from', 'to', 'watermark', 'maxEventTime'] as const) {
    const value = row[field];
    if (value !== null) builder.setNumber(builder.fieldIndex(field), value);
  }
  builder.setText(builder.fieldIndex('fingerprint'), row.fingerprint);
  builder.setText(builder.fieldIndex('params'), row.params);
  if (row.history !== null) builder.setText(builder.fieldIndex('history'), row.history);
  builder.endRow();
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
