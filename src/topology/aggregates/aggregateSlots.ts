import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Assigned, Chunk, Fired, Shape } from '../elements.ts';
import type { AggregateGroup, AggregateState } from './spec.ts';

interface Output {
  readonly group: AggregateGroup;
  readonly output: number;
}

/** The states of all aggregates of one step, by slot. Outputs of one group share its state. */
export class AggregateSlots {
  readonly #states: readonly AggregateState[];
  readonly #outputs: readonly { readonly state: AggregateState; readonly output: number }[];
  #chunk: Chunk | null = null;
  /** 0, 1, 2, …: the rows of a run that takes every record. */
  #everyRow = new Int32Array(0);
  /** Every slot is below this. The slot with this number is for the merge of a window's panes; always left empty. */
  #capacity = 0;

  constructor(outputs: readonly Output[], input: Shape) {
    const states = new Map<AggregateGroup, AggregateState>();
    for (const { group } of outputs) if (!states.has(group)) states.set(group, group.bind(input));
    this.#states = [...states.values()];
    this.#outputs = outputs.flatMap(({ group, output }) => {
      const state = states.get(group);
      return state === undefined ? [] : [{ state, output }];
    });
  }

  /** Adds a run of records, each to the slot that it has for each definition. */
  add({ chunk, from, to, slots, slotCapacity }: Assigned): void {
    this.#begin(chunk);
    this.#reserve(slotCapacity);
    for (const state of this.#states)
      for (const ofDefinition of slots) state.add(this.#everyRow, ofDefinition, from, to);
  }

  /** Adds single records of a chunk: record `rows[i]` to `slots[i]`, for the first `count`. */
  addPairs(chunk: Chunk, rows: Int32Array, slots: Int32Array, count: number): void {
    this.#begin(chunk);
    this.#reserveFor(slots, count);
    for (const state of this.#states) state.add(rows, slots, 0, count);
  }

  /** Adds what slot `from[i]` holds to slot `into[i]`, for each i in turn. */
  merge(from: Int32Array, into: Int32Array): void {
    this.#reserveFor(from, from.length);
    this.#reserveFor(into, into.length);
    for (const state of this.#states) state.merge(from, into);
  }

  release(slots: Int32Array): void {
    for (const state of this.#states) state.clear(slots);
  }

  /** What the slots hold, in their order, as plain data. */
  snapshot(slots: Int32Array): unknown[] {
    this.#reserveFor(slots, slots.length);
    return this.#states.map((state) => state.snapshot(slots));
  }

  /** Sets slots to what was saved of as many; all of them are below `capacity` and empty. */
  restore(slots: Int32Array, capacity: number, saved: readonly unknown[]): void {
    this.#reserve(capacity);
    this.#states.forEach((state, index) => {
      state.restore(slots, saved[index]);
    });
  }

  /** Sets the fields from `firstField` on to the results of window `w`. */
  write({ panes, paneEnds }: Fired, w: number, builder: ColumnsBuilder, firstField: number): void {
    const from = w === 0 ? 0 : (paneEnds[w - 1] as number);
    const to = paneEnds[w] as number;
    const scratch = this.#capacity;
    const isMerged = to - from > 1;
    const slot = isMerged ? scratch : (panes[from] as number);
    if (isMerged) {
      const into = new Int32Array(to - from).fill(scratch);
      for (const state of this.#states) state.merge(panes.subarray(from, to), into);
    }
    for (let i = 0; i < this.#outputs.length; i++) {
      const { state, output } = this.#outputs[i] as { state: AggregateState; output: number };
      state.write(slot, output, builder, firstField + i);
    }
    if (isMerged) this.release(Int32Array.of(scratch));
  }

  #begin(chunk: Chunk): void {
    if (chunk === this.#chunk) return;
    this.#chunk = chunk;
    const { length } = chunk.columns;
    if (this.#everyRow.length < length) this.#everyRow = Int32Array.from({ length }, (_, row) => row);
    for (const state of this.#states) state.begin(chunk);
  }

  #reserveFor(slots: Int32Array, count: number): void {
    let highest = -1;
    for (let i = 0; i < count; i++) highest = Math.max(highest, slots[i] as number);
    this.#reserve(highest + 1);
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = Math.max(capacity, 2 * this.#capacity);
    for (const state of this.#states) state.reserve(this.#capacity + 1);
  }
}
