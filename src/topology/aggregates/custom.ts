import { RowView } from '../../core/avro/rowView.ts';
import type { Column, Columns } from '../../core/columns.ts';
import { fieldBuilder } from '../../core/fieldBuilder.ts';
import type { Chunk, Shape } from '../elements.ts';
import type { Aggregate, AggregateState } from './spec.ts';

/** What a result may be, by the Avro type of its field. */
interface ResultTypes {
  readonly double: number;
  readonly long: number;
  readonly string: string;
  readonly boolean: boolean;
}

/**
 * An aggregate of one's own, for `custom`. A state is plain data (what a structured clone can hold), for it is saved with the
 * task. `merge` must give the same whatever the order in which states are merged, or live and replay would differ.
 *
 * @example
 * const spread: CustomAggregate<Tick, { low: number; high: number }, 'double'> = {
 *   label: 'high minus low',
 *   field: 'double',
 *   create: () => ({ low: Infinity, high: -Infinity }),
 *   add: ({ low, high }, tick) => ({ low: Math.min(low, tick.price), high: Math.max(high, tick.price) }),
 *   merge: (a, b) => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }),
 *   result: ({ low, high }) => high - low,
 * };
 */
export interface CustomAggregate<In, S, K extends keyof ResultTypes> {
  /** What it computes, in words: when they change, stored state is not taken for the new computation's. */
  readonly label: string;
  /** The Avro type of the result, which may be null. */
  readonly field: K;
  readonly create: () => S;
  /** The state with one more record; it may be the given one, changed. The row is good during the call only. */
  readonly add: (state: S, row: In) => S;
  /**
   * In place of `add`, where an object a record is too dear: adds record `rows[i]` of the columns to `states[slots[i]]`, for each
   * i from `from` to `to`; a negative slot is none.
   */
  readonly addColumns?: (
    states: S[],
    columns: Columns,
    rows: Int32Array,
    slots: Int32Array,
    from: number,
    to: number,
  ) => void;
  /** All that both have seen; it may be the first one, changed. The second one stays as it is. */
  readonly merge: (state: S, other: S) => S;
  readonly result: (state: S) => ResultTypes[K] | null;
}

class CustomState<In, S, K extends keyof ResultTypes> implements AggregateState {
  readonly #aggregate: CustomAggregate<In, S, K>;
  readonly #view: RowView<In>;
  readonly #states: S[] = [];
  #columns: Columns = { length: 0, byName: new Map() };

  constructor(aggregate: CustomAggregate<In, S, K>, input: Shape) {
    this.#aggregate = aggregate;
    this.#view = new RowView(input.schema);
  }

  reserve(): boolean {
    return false;
  }

  begin(chunk: Chunk): void {
    this.#columns = chunk.columns;
    this.#view.bind(chunk.columns);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const { add, addColumns } = this.#aggregate;
    const states = this.#states;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0) continue;
      const state = this.#open(slot);
      if (addColumns === undefined) states[slot] = add(state, this.#view.at(rows[i] as number));
    }
    addColumns?.(states, this.#columns, rows, slots, from, to);
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) {
      if (!((from[i] as number) in this.#states)) continue;
      const target = into[i] as number;
      this.#states[target] = this.#aggregate.merge(this.#open(target), this.#states[from[i] as number] as S);
    }
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) delete this.#states[slot];
  }

  snapshot(slots: Int32Array): ReadonlyMap<number, S> {
    const saved = new Map<number, S>();
    slots.forEach((slot, index) => {
      if (slot in this.#states) saved.set(index, structuredClone(this.#states[slot] as S));
    });
    return saved;
  }

  restore(slots: Int32Array, saved: ReadonlyMap<number, S>): void {
    for (const [index, state] of saved) this.#states[slots[index] as number] = structuredClone(state);
  }

  results(_output: number, slots: Int32Array): Column {
    const builder = fieldBuilder({ name: 'result', kind: this.#aggregate.field, nullable: true }, slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const value = slot in this.#states ? this.#aggregate.result(this.#states[slot] as S) : null;
      if (value === null) {
        builder.endNull(i);
        continue;
      }
      if (typeof value === 'string') builder.setText(i, value);
      else builder.setNumber(i, Number(value));
      builder.endValue(i);
    }
    return builder.finish(slots.length);
  }

  #open(slot: number): S {
    if (!(slot in this.#states)) this.#states[slot] = this.#aggregate.create();
    return this.#states[slot] as S;
  }
}

/**
 * Makes an aggregate of a plain object; the type of its rows is that of `add`.
 *
 * @example
 * const buys = custom({
 *   label: 'buys',
 *   field: 'long',
 *   create: () => 0,
 *   add: (buys, tick: Tick) => (tick.side === 'buy' ? buys + 1 : buys),
 *   merge: (a, b) => a + b,
 *   result: (buys) => buys,
 * });
 * const bought = aggregate({ buys });
 */
export function custom<In, S, const K extends keyof ResultTypes>(
  definition: CustomAggregate<In, S, K>,
): Aggregate<In, ResultTypes[K] | null> {
  return {
    group: { bind: (input) => new CustomState(definition, input) },
    output: 0,
    label: definition.label,
    field: () => ({ kind: definition.field, nullable: true }),
    merge: null,
  };
}
