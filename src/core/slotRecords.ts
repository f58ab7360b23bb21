/** The share of slots in use from which on room is made for more, bit by bit. */
export const MOSTLY_USED = 0.75;

/** What is kept for each slot, in one of its forms. Slots that were never used or were cleared are empty. */
export interface SlotPart {
  /** Makes room for slots below `capacity` where there is none yet; large parts one at a time. True where it made any. */
  reserve(capacity: number): boolean;
  clear(slots: Int32Array): void;
  /** What the slots hold, in their order, as plain data that a structured clone can hold. */
  snapshot(slots: Int32Array): unknown;
  /** Sets empty slots that have room to what was saved of as many. */
  restore(slots: Int32Array, saved: unknown): void;
}

/**
 * A few doubles a slot, side by side (a record touches one or two cache lines of its slot, not one for each value): value
 * k of a slot is `values[slot * width + k]`. All are 0 in an empty slot.
 */
export class SlotRecords implements SlotPart {
  values = new Float64Array(0);
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  reserve(capacity: number): boolean {
    if (this.values.length >= capacity * this.#width) return false;
    const larger = new Float64Array(capacity * this.#width);
    larger.set(this.values);
    this.values = larger;
    return true;
  }

  clear(slots: Int32Array): void {
    const { values } = this;
    const width = this.#width;
    for (let i = 0; i < slots.length; i++) {
      const at = (slots[i] as number) * width;
      for (let k = 0; k < width; k++) values[at + k] = 0;
    }
  }

  snapshot(slots: Int32Array): Float64Array {
    const width = this.#width;
    const saved = new Float64Array(slots.length * width);
    for (let i = 0; i < slots.length; i++) {
      const at = (slots[i] as number) * width;
      for (let k = 0; k < width; k++) saved[i * width + k] = this.values[at + k] as number;
    }
    return saved;
  }

  restore(slots: Int32Array, saved: Float64Array): void {
    const width = this.#width;
    for (let i = 0; i < slots.length; i++) {
      const at = (slots[i] as number) * width;
      for (let k = 0; k < width; k++) this.values[at + k] = saved[i * width + k] as number;
    }
  }
}
