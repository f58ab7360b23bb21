import type { Firings } from './firings.ts';
import { NEVER_FIRED, type SlotStore } from './slotStore.ts';

const NO_SLOT = -1;

/**
 * The merge of a stretch of slots that moves forward in time, at four merges a slot however long it is: older slots stand
 * on a stack of merges from each of them to the newest, newer ones are merged into one as they come (two stacks:
 * Tangwongsan, Hirzel, Schneider, "General incremental sliding-window aggregation", VLDB 2015).
 */
export class LookBack {
  readonly #slots: SlotStore;
  /** Oldest last: each with the slot that holds the merge of it and of all that came after it, up to the newer ones. */
  readonly #older: number[] = [];
  readonly #olderMerged: number[] = [];
  readonly #newer: number[] = [];
  #newerMerged = NO_SLOT;
  /** Slots given back: to be closed when no firing is under way. */
  readonly #spent: number[];

  constructor(slots: SlotStore, spent: number[]) {
    this.#slots = slots;
    this.#spent = spent;
  }

  /** Takes in a slot that is later than all before. */
  push(slot: number, firings: Firings): void {
    const before = this.#newerMerged;
    // A slot of its own for each: windows of the ones before may have been gathered.
    const merged = this.#openLike(slot);
    this.#merge(slot, merged, firings);
    if (before !== NO_SLOT) {
      this.#merge(before, merged, firings);
      this.#spent.push(before);
    }
    this.#newer.push(slot);
    this.#newerMerged = merged;
  }

  /** Arrival of the last record that it holds. */
  get lastArrival(): number {
    const { lastArrivals } = this.#slots;
    const oldest = this.#olderMerged[this.#olderMerged.length - 1];
    const older = oldest === undefined ? NEVER_FIRED : (lastArrivals[oldest] as number);
    return this.#newerMerged === NO_SLOT ? older : Math.max(older, lastArrivals[this.#newerMerged] as number);
  }

  /** Leaves out the slots before an instant. */
  dropBefore(tsMicros: number, firings: Firings): void {
    const { starts } = this.#slots;
    while (this.#older.length > 0 && (starts[this.#older[this.#older.length - 1] as number] as number) < tsMicros) {
      this.#older.pop();
      this.#spent.push(this.#olderMerged.pop() as number);
    }
    if (this.#older.length > 0 || this.#newer.length === 0) return;
    if ((starts[this.#newer[0] as number] as number) < tsMicros) this.#turnOver(tsMicros, firings);
  }

  /** The slots whose merge is what the stretch holds. */
  addPanes(firings: Firings): void {
    const oldest = this.#olderMerged[this.#olderMerged.length - 1];
    if (oldest !== undefined) firings.addPane(oldest);
    if (this.#newerMerged !== NO_SLOT) firings.addPane(this.#newerMerged);
  }

  /** Gives up everything that it holds. */
  clear(): void {
    this.#spent.push(...this.#olderMerged);
    if (this.#newerMerged !== NO_SLOT) this.#spent.push(this.#newerMerged);
    for (const list of [this.#older, this.#olderMerged, this.#newer]) list.length = 0;
    this.#newerMerged = NO_SLOT;
  }

  /** Makes the newer slots from an instant on the older ones. */
  #turnOver(tsMicros: number, firings: Firings): void {
    const { starts } = this.#slots;
    for (let i = this.#newer.length - 1; i >= 0; i--) {
      const slot = this.#newer[i] as number;
      if ((starts[slot] as number) < tsMicros) break;
      const merged = this.#openLike(slot);
      const after = this.#olderMerged[this.#olderMerged.length - 1];
      this.#merge(slot, merged, firings);
      if (after !== undefined) this.#merge(after, merged, firings);
      this.#older.push(slot);
      this.#olderMerged.push(merged);
    }
    this.#newer.length = 0;
    this.#spent.push(this.#newerMerged);
    this.#newerMerged = NO_SLOT;
  }

  #merge(from: number, into: number, firings: Firings): void {
    firings.merge(from, into);
    this.#slots.touch(into, this.#slots.lastArrivals[from] as number);
  }

  #openLike(slot: number): number {
    const { keyIds, starts, ends, firstArrivals } = this.#slots;
    const keyId = keyIds[slot] as number;
    return this.#slots.open(keyId, starts[slot] as number, ends[slot] as number, firstArrivals[slot] as number);
  }
}
