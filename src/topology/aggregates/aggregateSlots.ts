import type { Column } from '../../core/columns.ts';
import type { Assigned, Chunk, Fired, Shape } from '../elements.ts';
import type { AggregateGroup, AggregateState } from './spec.ts';

const NO_SLOTS = new Int32Array(0);

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
  /** Every slot is below this. */
  #capacity = 0;
  /** Slots above those, for the merge of a window's panes; always left empty. */
  #scratch = 0;
  /** By slot, while slots are released: whether it has come. */
  #isReleased = new Uint8Array(0);

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
    this.#merge(from, into);
  }

  /** A slot comes twice where it is emptied as it fires and then given up: states must see it once. */
  release(slots: Int32Array): void {
    const highest = this.#capacity + this.#scratch;
    if (this.#isReleased.length < highest) this.#isReleased = new Uint8Array(highest);
    const isReleased = this.#isReleased;
    const once = new Int32Array(slots.length);
    let count = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (isReleased[slot] === 1) continue;
      isReleased[slot] = 1;
      once[count++] = slot;
    }
    for (let i = 0; i < count; i++) isReleased[once[i] as number] = 0;
    const distinct = once.subarray(0, count);
    for (const state of this.#states) state.clear(distinct);
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

  /** The results of windows that fire: a column for each output, in order. */
  results(fired: Fired): readonly Column[] {
    const { slots, scratch } = this.#slotsOf(fired);
    const columns = this.#outputs.map(({ state, output }) => state.results(output, slots, fired.endMicros));
    this.release(scratch);
    return columns;
  }

  /** The slot of each window; panes are merged into a scratch slot. */
  #slotsOf({ count, panes, paneEnds }: Fired): { readonly slots: Int32Array; readonly scratch: Int32Array } {
    const merged = panes.length - count;
    if (merged === 0) return { slots: panes, scratch: NO_SLOTS };
    const slots = new Int32Array(count);
    const from = new Int32Array(panes.length);
    const into = new Int32Array(panes.length);
    const first = this.#reserveScratch(Math.min(count, merged));
    let next = first;
    let pairs = 0;
    for (let w = 0, pane = 0; w < count; w++) {
      const end = paneEnds[w] as number;
      slots[w] = panes[pane] as number;
      if (end - pane > 1) {
        slots[w] = next;
        for (let i = pane; i < end; i++) {
          from[pairs] = panes[i] as number;
          into[pairs++] = next;
        }
        next++;
      }
      pane = end;
    }
    this.#merge(from.subarray(0, pairs), into.subarray(0, pairs));
    return { slots, scratch: Int32Array.from({ length: next - first }, (_, i) => first + i) };
  }

  #merge(from: Int32Array, into: Int32Array): void {
    for (const state of this.#states) state.merge(from, into);
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
    for (const state of this.#states) state.reserve(this.#capacity + this.#scratch);
  }

  /** Makes room for so many scratch slots; the first of them. */
  #reserveScratch(count: number): number {
    if (count > this.#scratch) this.#scratch = Math.max(count, 2 * this.#scratch);
    for (const state of this.#states) state.reserve(this.#capacity + this.#scratch);
    return this.#capacity;
  }
}
