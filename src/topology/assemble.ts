import { Subject, type Subscription } from 'rxjs';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { generationTopic, type OutputSpec } from '../core/output.ts';
import type { RecordSchema } from '../core/schema.ts';
import { TidemarkError } from '../errors.ts';
import { quoteSchema, sourceBarSchema, tickSchema } from '../schemas.generated.ts';
import type { Element, Origin, Restore, Resume, Shape, Snapshot, Stream } from './elements.ts';
import { LateOrder } from './lateOrder.ts';
import { checkName } from './names.ts';
import type { Boundary } from './stages/boundary.ts';
import type { RepartitionTopic } from './stages/carried.ts';
import { type Stage, Stages } from './stages/stage.ts';
import type { Input, ParamValue, ShippedTopics, TopicInput, Topology } from './topology.ts';
import { external } from './watermarks/external.ts';
import type { WatermarkStrategy } from './watermarks/strategy.ts';
import type { WindowSet } from './windows/definition.ts';

const SHIPPED: Readonly<Record<keyof ShippedTopics, unknown>> = {
  ticks: tickSchema,
  quotes: quoteSchema,
  source_bars: sourceBarSchema,
};

const NO_SLOTS = new Int32Array(0);

/** An input with everything known of it. */
export interface AssembledInput {
  readonly name: string;
  readonly topic: string;
  readonly schema: RecordSchema;
  readonly timeField: string;
  readonly sequenceField: string | null;
  /** How its watermark moves, which decides its place among several inputs: by its first `watermark` step. */
  readonly watermark: WatermarkStrategy;
  /** Of a repartition topic: the upstream partition whose records are this input's. */
  readonly upstream?: number;
}

/** A topology whose steps are connected: elements pushed into an input come out of the outputs, in the same call. */
export interface Assembly {
  /** What the stage reads. */
  readonly inputs: readonly AssembledInput[];
  /** What the stage gives. */
  readonly outputs: readonly OutputSpec[];
  /** The topics between the stages; none of a topology of one. */
  readonly repartitions: readonly RepartitionTopic[];
  /** The windows of each output. */
  readonly windows: readonly WindowSet[];
  /** The steps of each output, in words. */
  readonly steps: Readonly<Record<string, readonly string[]>>;
  /** Long firings are broken off: what comes next is only right after `resume` has said that nothing is left. */
  push(input: string, element: Element): void;
  /**
   * Goes on with firings that were broken off, for a thousand windows. True while there is more; when there is not, late
   * records come out in the order in which they arrived.
   */
  resume(): boolean;
  /** Writes for the next stage that there is nothing more, up to these offsets of the inputs. */
  rest(reached: readonly number[]): void;
  /** The state of all steps, as plain data. Nothing may be left to resume; pushing more may change it. */
  snapshot(): readonly unknown[];
  /** Takes over the state that `snapshot` gave, before anything was pushed: it is of this topology from then on. */
  restore(state: readonly unknown[]): void;
  close(): void;
}

export interface AssemblyOptions {
  readonly topology: Topology;
  /** In place of the topology's own values. */
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly generation: number;
  /** Called for every element that comes out, in order. */
  readonly onElement: (output: OutputSpec, element: Element) => void;
  /** Which part of the topology; without it all of it, in one piece. */
  readonly stage?: Stage;
}

/**
 * Connects a topology's steps. @throws TM_TOPOLOGY when they do not fit together
 */
export function assemble({ topology, params, generation, onElement, stage }: AssemblyOptions): Assembly {
  const where = `topology ${topology.name}`;
  const described = Object.entries(topology.inputs).map(([name, input]) => describedInput(name, input, where));
  const subjects = new Map(described.map(({ name }) => [name, new Subject<Element>()]));
  const streams = streamsOf(topology, params, subjects, where);
  const names = Object.keys(streams);
  const shapes = new Map<string, Shape>();
  const outputs = new Map<string, OutputSpec>();
  // RxJS reports what a subscriber throws later and elsewhere; the caller of `push` must get it, at once.
  let failure: { readonly error: unknown } | null = null;
  const fail = (error: unknown): void => {
    failure ??= { error };
  };
  const late = new LateOrder();
  const receive = (name: string, element: Element): void => {
    const output = outputs.get(name);
    if (element.kind === 'shape') shapes.set(name, element);
    else if (element.kind === 'late') late.add(names.indexOf(name), element);
    else if (output !== undefined) onElement(output, element);
  };
  const subscriptions = names.map((name) =>
    connected(streams[name] as Stream<unknown>, (element) => receive(name, element), fail),
  );
  const boundaries: Boundary[] = [];
  const push = (input: string, element: Element): void => {
    if (!stages.push(input, element)) subjects.get(input)?.next(element);
    if (failure !== null) throw failure.error;
  };
  const stages = new Stages(boundaries, { topology: topology.name, generation, stage });
  for (const input of described) push(input.name, shapeOf(input, boundaries));
  const origins = [...shapes.values()].flatMap((shape) => shape.origins);
  const subStreams = stages.open();
  const inputs = subStreams ?? described.map((input) => ({ ...input, watermark: strategyOf(input, origins) }));
  for (const name of names) {
    const topic = names.length === 1 ? topology.name : `${topology.name}.${name}`;
    outputs.set(name, outputSpec(topology, name, topic, generation, shapes.get(name)));
  }
  return {
    inputs,
    outputs: [...outputs.values()].filter(({ name }) => stages.holds(shapes.get(name)?.origins ?? [])),
    repartitions: stages.topics,
    windows: [...shapes.values()].flatMap(({ result }) => (result === null ? [] : [result.windows])),
    steps: Object.fromEntries([...shapes].map(([name, { steps }]) => [name, steps])),
    push,
    resume: () => {
      const resume: Resume = { kind: 'resume', pending: false };
      for (const { name } of inputs) push(name, resume);
      if (!resume.pending) {
        late.take((output, element) => onElement(outputs.get(names[output] as string) as OutputSpec, element));
      }
      return resume.pending;
    },
    rest: (reached) => stages.rest(reached),
    snapshot: () => {
      const snapshot: Snapshot = { kind: 'snapshot', parts: [], keys: null, slots: NO_SLOTS };
      for (const { name } of inputs) push(name, snapshot);
      return snapshot.parts;
    },
    restore: (state) => {
      const restore: Restore = { kind: 'restore', parts: [...state], keys: null, slots: NO_SLOTS, slotsUsed: 0 };
      for (const { name } of inputs) push(name, restore);
    },
    close: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

function streamsOf(
  topology: Topology,
  params: AssemblyOptions['params'],
  subjects: ReadonlyMap<string, Stream<unknown>>,
  where: string,
): Readonly<Record<string, Stream<unknown>>> {
  const build = topology.build as unknown as (
    streams: Readonly<Record<string, Stream<unknown>>>,
    params: AssemblyOptions['params'],
  ) => Readonly<Record<string, Stream<unknown>>>;
  const streams = build(Object.fromEntries(subjects), { ...topology.params, ...params });
  const names = Object.keys(streams);
  for (const name of names) checkName('an output', name);
  if (names.length === 0) throw new TidemarkError('TM_TOPOLOGY', 'build(...) returns no output', { where });
  return streams;
}

function connected(
  stream: Stream<unknown>,
  receive: (element: Element) => void,
  fail: (error: unknown) => void,
): Subscription {
  return stream.subscribe({
    next: (element) => {
      try {
        receive(element);
      } catch (error) {
        fail(error);
      }
    },
    error: fail,
  });
}

function describedInput(name: string, input: Input, where: string): Omit<AssembledInput, 'watermark'> {
  const given: TopicInput = typeof input === 'string' ? { topic: input, schema: SHIPPED[input] } : input;
  if (given.schema === undefined) {
    throw new TidemarkError('TM_TOPOLOGY', `no schema is known for the topic '${given.topic}'`, {
      where: `${where}, input ${name}`,
      hint: `Shipped topics: ${Object.keys(SHIPPED).join(', ')}. For another, write { topic, schema }.`,
    });
  }
  const schema = parseRecordSchema(given.schema);
  const timeField = given.time ?? 'eventTime';
  const time = schema.fields.find((field) => field.name === timeField);
  if (time?.kind !== 'long' || time.nullable) {
    throw new TidemarkError('TM_TOPOLOGY', `'${timeField}' is not a timestamp that is always there`, {
      where: `${where}, input ${name}`,
      hint: "Name the field that holds event time: { topic, schema, time: '...' }.",
    });
  }
  const sequenceField = given.sequence ?? 'sequence';
  const hasSequence = schema.fields.some((field) => field.name === sequenceField && field.kind === 'long');
  if (given.sequence !== undefined && !hasSequence) {
    throw new TidemarkError('TM_TOPOLOGY', `'${given.sequence}' is not a long`, { where: `${where}, input ${name}` });
  }
  return { name, topic: given.topic, schema, timeField, sequenceField: hasSequence ? sequenceField : null };
}

/** A strategy that follows a field which only a step of the topology derives gives no order: event time does. */
function strategyOf(
  { name, schema }: Omit<AssembledInput, 'watermark'>,
  origins: readonly Origin[],
): WatermarkStrategy {
  const strategy = origins.find(({ input, watermark }) => input === name && watermark !== null)?.watermark;
  const isOwn = strategy?.field === null || schema.fields.some((field) => field.name === strategy?.field);
  return strategy === undefined || strategy === null || !isOwn ? external() : strategy;
}

function shapeOf(
  { name, topic, schema, timeField, sequenceField }: Omit<AssembledInput, 'watermark'>,
  boundaries: Boundary[],
): Shape {
  return {
    kind: 'shape',
    schema,
    timeField,
    sequenceField,
    keyField: null,
    origins: [{ input: name, topic, watermark: null }],
    boundaries,
    steps: [],
    windows: null,
    result: null,
  };
}

function outputSpec(
  topology: Topology,
  name: string,
  topic: string,
  generation: number,
  shape: Shape | undefined,
): OutputSpec {
  if (shape === undefined || shape.result === null || shape.keyField === null) {
    throw new TidemarkError('TM_TOPOLOGY', `output '${name}' does not end in aggregate(...)`, {
      where: `topology ${topology.name}`,
      hint: 'An output is a keyed, windowed and aggregated stream.',
    });
  }
  return {
    topology: topology.name,
    name,
    topic: generationTopic(topic, generation),
    generation,
    keyField: shape.keyField,
    schema: shape.schema,
    merges: shape.result.merges,
    intervals: shape.result.windows.definitions.map(({ interval }) => interval),
    views: topology.tables[name]?.views ?? [],
  };
}
