import { Buffer } from 'node:buffer';
import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { Column } from '../../core/columns.ts';
import type { FieldMerge } from '../../core/output.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Assigned, Chunk, Fired, Restore, Shape, Stream } from '../elements.ts';
import type { Keyed } from '../operators/keyBy.ts';
import { transform } from '../transform.ts';
import type { Windowed } from '../windows/window.ts';
import { AggregateSlots } from './aggregateSlots.ts';
import { avroFieldOf } from './resultSchema.ts';
import type { Aggregate, FieldValue, OutputMerge } from './spec.ts';
import { utf8Column } from './textColumn.ts';

/**
 * The fields that every result begins with, after its key.
 *
 * @example const lengthMicros = ({ start, end }: WindowFields): number => end - start;
 */
export interface WindowFields {
  readonly interval: string;
  /** Inclusive and exclusive, microseconds. */
  readonly start: number;
  readonly end: number;
  readonly revision: number;
  readonly final: boolean;
  readonly deleted: boolean;
}

type AnyAggregates = Readonly<Record<string, Aggregate<never, unknown>>>;

/** What all aggregates together need of a row. */
type NeededBy<A> =
  { [K in keyof A]: A[K] extends Aggregate<infer In, unknown> ? (row: In) => void : never } extends Record<
    string,
    (row: infer In) => void
  >
    ? In
    : never;
type ValueOf<Row, A> = A extends Aggregate<never, infer Out> ? TypeIn<Row, Out> : never;
type TypeIn<Row, Out> = Out extends FieldValue<infer F> ? (F extends keyof Row ? Row[F] | null : never) : Out;
type KeyFieldOf<Row> = Row extends Keyed<unknown, infer K> ? { readonly [P in K]: string } : unknown;

/**
 * The type of a result row: the key, the window, and a value for each aggregate.
 *
 * @example const tradesOf = (row: Result<Tick, { trades: Aggregate<unknown, number> }>): number => row.trades;
 */
export type Result<Row, A> = KeyFieldOf<Row> & WindowFields & { readonly [K in keyof A]: ValueOf<Row, A[K]> };

const WINDOW_FIELDS: readonly FieldSchema[] = [
  { name: 'interval', kind: 'string', nullable: false },
  { name: 'start', kind: 'long', nullable: false, logical: 'timestamp-micros' },
  { name: 'end', kind: 'long', nullable: false, logical: 'timestamp-micros' },
  { name: 'revision', kind: 'long', nullable: false },
  { name: 'final', kind: 'boolean', nullable: false },
  { name: 'deleted', kind: 'boolean', nullable: false },
];

/**
 * Computes aggregates over the windows of a stream and emits one row for each window that fires.
 *
 * @example aggregate({ ...ohlcv('price', 'size'), count: count() })
 * @throws TM_TOPOLOGY when no window precedes it, a name is taken, or a field is missing or of the wrong type
 */
export function aggregate<const A extends AnyAggregates>(
  aggregates: A,
): <Row extends NeededBy<A>>(source: Stream<Windowed<Row>>) => Stream<Result<Row, A>> {
  return <Row>(source: Stream<Windowed<Row>>): Stream<Result<Row, A>> =>
    transform(source, (emit) => {
      let aggregator: Aggregator | null = null;
      return (element) => {
        if (element.kind === 'shape') {
          aggregator = new Aggregator(element, aggregates);
          emit(aggregator.shape);
        } else if (element.kind === 'assigned') {
          aggregator?.add(element);
        } else if (element.kind === 'merged') {
          aggregator?.slots.merge(element.from, element.into);
        } else if (element.kind === 'slid') {
          aggregator?.slots.slide(element);
        } else if (element.kind === 'released') {
          aggregator?.slots.release(element.slots);
        } else if (element.kind === 'fired') {
          if (aggregator !== null) emit(aggregator.results(element));
        } else {
          if (element.kind === 'snapshot') element.parts.push(aggregator?.slots.snapshot(element.slots));
          if (element.kind === 'restore') aggregator?.restore(element);
          emit(element);
        }
      };
    });
}

class Aggregator {
  readonly slots: AggregateSlots;
  readonly shape: Shape;
  readonly #intervals: readonly Uint8Array[];

  constructor(input: Shape, aggregates: AnyAggregates) {
    const { keyField, windows } = input;
    if (keyField === null || windows === null) {
      throw new TidemarkError('TM_TOPOLOGY', 'aggregate(...) has no windows to work on', {
        hint: 'Put keyBy(...) and window(...) right before it.',
      });
    }
    const entries = Object.entries(aggregates);
    const key: FieldSchema = { name: keyField, kind: 'string', nullable: false };
    const values = entries.map(([name, { field }]) => ({ ...field(input), name }));
    const fields = [key, ...WINDOW_FIELDS, ...values];
    const taken = fields.find(({ name }, index) => fields.findIndex((other) => other.name === name) < index);
    if (taken !== undefined) {
      throw new TidemarkError('TM_TOPOLOGY', `the name '${taken.name}' is taken in the results`, {
        hint: 'Give the aggregate another name than the key and the fields of the window.',
      });
    }
    const avsc = { type: 'record', name: 'Result', namespace: 'tidemark', fields: fields.map(avroFieldOf) };
    const schema = parseRecordSchema(avsc);
    this.#intervals = windows.definitions.map(({ interval }) => Buffer.from(interval));
    this.slots = new AggregateSlots(
      entries.map(([, { group, output }]) => ({ group, output })),
      input,
    );
    const result = { merges: mergesOf(entries), windows };
    const steps = [...input.steps, ...entries.map(([name, { label }]) => `${name}: ${label}`)];
    this.shape = { ...input, schema, timeField: 'start', sequenceField: null, windows: null, result, steps };
  }

  add(assigned: Assigned): void {
    const { chunk, extraRows, extraSlots } = assigned;
    this.slots.add(assigned);
    if (extraRows.length > 0) this.slots.addPairs(chunk, extraRows, extraSlots, extraRows.length);
  }

  restore({ parts, slots, slotsUsed }: Restore): void {
    this.slots.restore(slots, slotsUsed, parts.shift() as unknown[]);
  }

  results(fired: Fired): Chunk {
    const columns = [...windowColumns(fired, this.#intervals), ...this.slots.results(fired)];
    const byName = new Map(this.shape.schema.fields.map(({ name }, index) => [name, columns[index] as Column]));
    return {
      kind: 'chunk',
      columns: { length: fired.count, byName },
      offsets: new Float64Array(fired.count).fill(Number.NaN),
      arrivals: fired.afterArrivals,
      timesMicros: fired.startMicros,
      watermarks: null,
      watermarkAfter: Number.NEGATIVE_INFINITY,
      keys: fired.keys,
      keyIds: fired.keyIds,
    };
  }
}

/** The columns of the key and of WINDOW_FIELDS. */
function windowColumns(fired: Fired, intervals: readonly Uint8Array[]): readonly Column[] {
  const { count, keys, keyIds, definition, startMicros, endMicros, revisions, final, deleted } = fired;
  return [
    keys.column(keyIds),
    utf8Column(count, (w) => intervals[definition[w] as number] as Uint8Array),
    { kind: 'long', values: startMicros },
    { kind: 'long', values: endMicros },
    { kind: 'long', values: revisions },
    { kind: 'boolean', values: final },
    { kind: 'boolean', values: deleted },
  ];
}

/** Merges of the named aggregates; one whose time or other part is not among them has none. */
function mergesOf(entries: readonly (readonly [string, Aggregate<never, unknown>])[]): ReadonlyMap<string, FieldMerge> {
  const merges = new Map<string, FieldMerge>();
  for (const [name, { group, merge }] of entries) {
    const nameOf = (output: number): string | undefined =>
      entries.find(([, other]) => other.group === group && other.output === output)?.[0];
    const named = merge === null ? null : namedMerge(merge, nameOf);
    if (named !== null) merges.set(name, named);
  }
  return merges;
}

function namedMerge(merge: OutputMerge, nameOf: (output: number) => string | undefined): FieldMerge | null {
  switch (merge.how) {
    case 'earliest':
    case 'latest': {
      const time = nameOf(merge.timeOutput);
      const sequence = nameOf(merge.sequenceOutput);
      return time === undefined || sequence === undefined ? null : { how: merge.how, time, sequence };
    }
    case 'ratio': {
      const numerator = nameOf(merge.numeratorOutput);
      const denominator = nameOf(merge.denominatorOutput);
      return numerator === undefined || denominator === undefined ? null : { how: 'ratio', numerator, denominator };
    }
    default:
      return merge;
  }
}
