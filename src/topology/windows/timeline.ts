import type { SlideSteps } from './slideSteps.ts';
import type { SlotStore } from './slotStore.ts';

const NO_SLOT = -1;
const NOTHING = Number.NEGATIVE_INFINITY;

/** What windows look back on, one after the other: the slots of a timeline from one index to before another. */
export interface Stretch {
  /** The slot that it is named by; below 0 when it holds nothing, and nothing is known of it elsewhere. */
  slot: number;
  from: number;
  to: number;
}

/** A key's slots by event time. */
export class Timeline {
  readonly slots: number[] = [];
  /** What the window that was shown last looks back on. */
  readonly stretch: Stretch = { slot: NO_SLOT, from: 0, to: 0 };
  /** Event time of the latest window that has been emitted. */
  firedTo = NOTHING;
  readonly #store: SlotStore;
  /** How many of the slots have expired: they are cut off now and then. */
  #expired = 0;

  constructor(store: SlotStore) {
    this.#store = store;
  }

  /** The earliest slot. */
  get first(): number | undefined {
    return this.slots[this.#expired];
  }

  get live(): readonly number[] {
    return this.slots.slice(this.#expired);
  }

  /** Index of the first slot at an instant or later; most often it is past the last. */
  indexFrom(tsMicros: number): number {
    const { slots } = this;
    const { starts } = this.#store;
    let low = this.#expired;
    let high = slots.length;
    if (high > low && (starts[slots[high - 1] as number] as number) < tsMicros) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[slots[middle] as number] as number) < tsMicros) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts a slot in its place; no stretch reaches beyond that. */
  insert(index: number, slot: number): void {
    const { slots } = this;
    slots.push(slot);
    for (let i = slots.length - 1; i > index; i--) slots[i] = slots[i - 1] as number;
    slots[index] = slot;
  }

  /** Makes the stretch hold the slots of an instant or later, up to an index: none of them is before the last that it held. */
  move(fromMicros: number, index: number, steps: SlideSteps): void {
    const { slots, stretch } = this;
    if (stretch.slot < 0) {
      const { keyIds } = this.#store;
      stretch.from = this.indexFrom(fromMicros);
      stretch.to = stretch.from;
      // No record is its first: a session that once had the slot is known by that.
      stretch.slot = this.#store.open(keyIds[slots[index] as number] as number, NOTHING, NOTHING, NOTHING);
    }
    const { starts } = this.#store;
    while (stretch.to <= index) steps.take(stretch.slot, slots[stretch.to++] as number);
    while ((starts[slots[stretch.from] as number] as number) < fromMicros) {
      steps.drop(stretch.slot, slots[stretch.from++] as number);
    }
  }

  /** Takes out the first slot. */
  dropFirst(steps: SlideSteps): void {
    const { stretch } = this;
    if (stretch.slot >= 0 && stretch.from <= this.#expired) {
      if (stretch.from < stretch.to) steps.drop(stretch.slot, this.slots[stretch.from] as number);
      stretch.from++;
      stretch.to = Math.max(stretch.to, stretch.from);
    }
    this.#expired++;
    if (this.#expired * 2 < this.slots.length) return;
    this.slots.splice(0, this.#expired);
    stretch.from -= this.#expired;
    stretch.to -= this.#expired;
    this.#expired = 0;
  }
}
