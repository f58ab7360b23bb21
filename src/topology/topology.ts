import type { AvroRow } from '../core/avro/row.ts';
import type { OutputView } from '../core/output.ts';
import { parseDurationMicros } from '../core/time.ts';
import { TidemarkError } from '../errors.ts';
import type { Quote, SourceBar, Tick } from '../schemas.generated.ts';
import type { Stream } from './elements.ts';
import { checkName } from './names.ts';

/** Rows of the topics that Tidemark ships schemas for. */
export interface ShippedTopics {
  readonly ticks: Tick;
  readonly quotes: Quote;
  readonly source_bars: SourceBar;
}

/**
 * An input of any Avro topic: its schema (an `as const` literal gives the row's type) and which fields order records.
 *
 * @example
 * const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
 * const fields = [{ name: 'sensor', type: 'string' }, { name: 'at', type: time }, { name: 'celsius', type: 'double' }] as const;
 * const schema = { type: 'record', name: 'Reading', fields } as const;
 * const readings: TopicInput<typeof schema> = { topic: 'readings', schema, time: 'at' };
 */
export interface TopicInput<S = unknown> {
  readonly topic: string;
  readonly schema: S;
  /** A timestamp field; default `eventTime`. */
  readonly time?: string;
  /** A long that breaks ties of time; default `sequence` when the schema has it. */
  readonly sequence?: string;
}

export type Input = keyof ShippedTopics | TopicInput;

type RowOf<I> = I extends keyof ShippedTopics ? ShippedTopics[I] : I extends TopicInput<infer S> ? AvroRow<S> : never;

export type ParamValue = number | string | boolean;

/**
 * A topology: what to read, how to compute, and which tables to keep. `topology` makes one.
 *
 * @example const describe = ({ name, version }: Topology): string => `${name}, version ${version}`;
 */
export interface Topology {
  readonly name: string;
  /** Raise it when the computation changes: its history is then rebuilt by replay. */
  readonly version: number;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly build: (inputs: never, params: never) => Readonly<Record<string, Stream<unknown>>>;
  readonly tables: Readonly<Record<string, { readonly views: readonly OutputView[] }>>;
}

export interface TopologyDefinition<
  I extends Readonly<Record<string, Input>>,
  P extends Readonly<Record<string, ParamValue>>,
  O extends Readonly<Record<string, Stream<unknown>>>,
> {
  /** Lower case letters, digits and underscores; names the results topic and the consumer group. */
  readonly name: string;
  readonly version: number;
  readonly inputs: I;
  /** Values that `tidemark run --set name=value` may change. */
  readonly params?: P;
  readonly build: (inputs: { readonly [K in keyof I]: Stream<RowOf<I[K]>> }, params: Widened<P>) => O;
  readonly tables?: { readonly [K in keyof O]?: { readonly views: readonly OutputView[] } };
}

type Widened<P> = { readonly [K in keyof P]: P[K] extends number ? number : P[K] extends string ? string : boolean };

/**
 * Declares a topology; a topology file exports it as its default.
 *
 * @example
 * export default topology({
 *   name: 'trades_per_minute',
 *   version: 1,
 *   inputs: { ticks: 'ticks' },
 *   build: ({ ticks }) => ({
 *     trades_per_minute: ticks.pipe(
 *       watermark(bounded(1_000)),
 *       keyBy('instrument'),
 *       window([tumbling('1m')]),
 *       aggregate({ trades: count() }),
 *     ),
 *   }),
 * });
 * @throws TM_TOPOLOGY for a name or version that is not valid
 */
export function topology<
  const I extends Readonly<Record<string, Input>>,
  const P extends Readonly<Record<string, ParamValue>>,
  O extends Readonly<Record<string, Stream<unknown>>>,
>(definition: TopologyDefinition<I, P, O>): Topology {
  const { name, version, inputs, build } = definition;
  checkName('a topology', name);
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new TidemarkError('TM_TOPOLOGY', `version ${version} is not valid`, {
      where: `topology ${name}`,
      hint: 'A version is a whole number from 1 on.',
    });
  }
  const tables = Object.entries(definition.tables ?? {}).map(([output, table]) => [output, table ?? { views: [] }]);
  return { name, version, inputs, params: definition.params ?? {}, build, tables: Object.fromEntries(tables) };
}

/**
 * A view of each key's newest window, by interval: `<output>_latest`.
 *
 * @example const tables = { bars: { views: [latestByKey(), rollup('1d')] } };
 */
export function latestByKey(): OutputView {
  return { kind: 'latestByKey' };
}

/**
 * A view of wider windows, rolled up from the output's own: `rollup('1d')` is `<output>_1d`.
 *
 * @example const tables = { bars: { views: [latestByKey(), rollup('1d')] } };
 * @throws TM_DURATION
 */
export function rollup(interval: string): OutputView {
  parseDurationMicros(interval);
  return { kind: 'rollup', interval };
}
