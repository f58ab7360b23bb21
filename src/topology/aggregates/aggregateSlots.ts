import type { Column } from '../../core/columns.ts';
import type { Slides } from '../../core/slides.ts';
import { MOSTLY_USED } from '../../core/slotRecords.ts';
import type { Assigned, Chunk, Fired, Shape } from '../elements.ts';
import { SlidingMerges } from './slidingMerges.ts';
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
  /** Slots above those, for what stretches show. */
  #shown = 0;
  /** Slots above those, for the merges of stretches, and the states that need them. */
  #merged = 0;
  readonly #merges = new SlidingMerges();
  readonly #merging: readonly AggregateState[];
  /** Slots above those, for the merge of a window's panes; always left empty. */
  #scratch = 0;
  /** By slot, while slots are released: whether it has come. */
  #isReleased = new Uint8Array(0);

  constructor(outputs: readonly Output[], input: Shape) {
    const states = new Map<AggregateGroup, AggregateState>();
    for (const { group } of outputs) if (!states.has(group)) states.set(group, group.bind(input));
    this.#states = [...states.values()];
    this.#merging = this.#states.filter((state) => state.slide === undefined);
    this.#outputs = outputs.flatMap(({ group, output }) => {
      const state = states.get(group);
      return state === undefined ? [] : [{ state, output }];
    });
  }

  /** Adds a run of records, each to the slot that it has for each definition. */
  add({ chunk, from, to, slots, slotsUsed }: Assigned): void {
    if (chunk !== this.#chunk) this.#growAhead(slotsUsed);
    this.#begin(chunk);
    this.#reserve(slotsUsed);
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
    const end = this.#firstScratch + this.#scratch;
    if (this.#isReleased.length < end) this.#isReleased = new Uint8Array(end);
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

  /** Moves stretches of slots on. What they show is there for the next `results`. */
  slide(slides: Slides): void {
    this.#reserveFor(slides.slots, slides.count);
    this.#reserveFor(slides.stretches, slides.count);
    this.#layOut(this.#capacity, slides.shown, this.#merged, this.#scratch);
    const out = this.#capacity;
    for (const state of this.#states) state.slide?.(slides, out);
    if (this.#merging.length > 0) this.#slideByMerging(slides);
  }

  #slideByMerging(slides: Slides): void {
    const { from, into } = this.#merges.merges(slides, this.#capacity);
    this.#layOut(this.#capacity, this.#shown, this.#merges.capacity, this.#scratch);
    const first = this.#firstMerge;
    const slotOf = (slot: number) => (slot < 0 ? first + ~slot : slot);
    const sources = Int32Array.from(from, slotOf);
    const targets = Int32Array.from(into, slotOf);
    const spent = Int32Array.from(this.#merges.takeSpent(), (slot) => first + slot);
    for (const state of this.#merging) {
      state.merge(sources, targets);
      state.clear(spent);
    }
  }

  /** What the slots hold, in their order, as plain data. */
  snapshot(slots: Int32Array): unknown[] {
    this.#reserveFor(slots, slots.length);
    return this.#states.map((state) => state.snapshot(slots));
  }

  /** Sets slots to what was saved of as many; all of them are below `used` and empty. */
  restore(slots: Int32Array, used: number, saved: readonly unknown[]): void {
    this.#reserve(used);
    this.#states.forEach((state, index) => {
      state.restore(slots, saved[index]);
    });
  }

  /** The results of windows that fire: a column for each output, in order. */
  results(fired: Fired): readonly Column[] {
    const { slots, scratch } = this.#slotsOf(fired);
    const columns = this.#outputs.map(({ state, output }) => state.results(output, slots, fired.endMicros));
    this.release(scratch);
    if (this.#merging.length > 0) this.#clear(this.#merging, this.#capacity, this.#capacity + this.#shown);
    return columns;
  }

  /** The slot of each window; panes are merged into a scratch slot. */
  #slotsOf(fired: Fired): { readonly slots: Int32Array; readonly scratch: Int32Array } {
    const { count, paneEnds } = fired;
    const panes = this.#panesOf(fired);
    const merged = panes.length - count;
    if (merged === 0) return { slots: panes, scratch: NO_SLOTS };
    const slots = new Int32Array(count);
    const from = new Int32Array(panes.length);
    const into = new Int32Array(panes.length);
    this.#layOut(this.#capacity, this.#shown, this.#merged, Math.min(count, merged));
    const first = this.#firstScratch;
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

  /** The panes, with the slots of those that stretches show. */
  #panesOf({ panes }: Fired): Int32Array {
    const firstShown = this.#capacity;
    const slots = new Int32Array(panes.length);
    for (let i = 0; i < panes.length; i++) {
      const pane = panes[i] as number;
      slots[i] = pane < 0 ? firstShown + ~pane : pane;
    }
    return slots;
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
    this.#layOut(Math.max(capacity, 2 * this.#capacity), this.#shown, this.#merged, this.#scratch);
  }

  /**
   * Makes room for twice the slots once most of them are used, in one part for each chunk: large arrays take long to copy, and
   * all of them at once would keep the event loop.
   */
  #growAhead(used: number): void {
    if (used < this.#capacity * MOSTLY_USED) return;
    const twice = 2 * (this.#firstScratch + this.#scratch);
    this.#states.some((state) => state.reserve(twice));
  }

  get #firstMerge(): number {
    return this.#capacity + this.#shown;
  }

  get #firstScratch(): number {
    return this.#firstMerge + this.#merged;
  }

  /** Makes room for at least so many slots of each use; merges move to where they are now. */
  #layOut(capacity: number, shown: number, merged: number, scratch: number): void {
    const [shownBefore, mergesBefore, scratchBefore] = [this.#capacity, this.#firstMerge, this.#firstScratch];
    this.#capacity = capacity;
    this.#shown = Math.max(this.#shown, shown);
    this.#merged = Math.max(this.#merged, merged);
    if (scratch > this.#scratch) this.#scratch = Math.max(scratch, 2 * this.#scratch);
    const end = this.#firstScratch + this.#scratch;
    while (this.#states.some((state) => state.reserve(end)));
    if (capacity > shownBefore) this.#clear(this.#states, shownBefore, mergesBefore);
    const by = this.#firstMerge - mergesBefore;
    if (by > 0) for (let slot = scratchBefore - 1; slot >= mergesBefore; slot--) this.#move(slot, slot + by);
  }

  #move(from: number, into: number): void {
    for (const state of this.#merging) state.merge(Int32Array.of(from), Int32Array.of(into));
    this.#clear(this.#merging, from, from + 1);
  }

  #clear(states: readonly AggregateState[], from: number, to: number): void {
    const slots = Int32Array.from({ length: to - from }, (_, i) => from + i);
    for (const state of states) state.clear(slots);
  }
}
