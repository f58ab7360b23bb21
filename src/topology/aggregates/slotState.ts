import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Chunk } from '../elements.ts';
import type { AggregateState } from './spec.ts';

/** What a state keeps for each slot, in one of its forms. Slots that were never used or were cleared are empty. */
export interface SlotPart {
  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void;
  clear(slots: Int32Array): void;
  /** What the slots hold, in their order, as plain data that a structured clone can hold. */
  snapshot(slots: Int32Array): unknown;
  /** Sets empty slots that have room to what was saved of as many. */
  restore(slots: Int32Array, saved: unknown): void;
}

/** A state made of parts: what to do with values is left to the aggregate. */
export abstract class SlotState implements AggregateState {
  protected abstract readonly parts: readonly SlotPart[];

  reserve(capacity: number): void {
    for (const part of this.parts) part.reserve(capacity);
  }

  clear(slots: Int32Array): void {
    for (const part of this.parts) part.clear(slots);
  }

  snapshot(slots: Int32Array): readonly unknown[] {
    return this.parts.map((part) => part.snapshot(slots));
  }

  restore(slots: Int32Array, saved: readonly unknown[]): void {
    this.parts.forEach((part, index) => {
      part.restore(slots, saved[index]);
    });
  }

  abstract begin(chunk: Chunk): void;
  abstract add(rows: Int32Array, slots: Int32Array, from: number, to: number): void;
  abstract merge(from: Int32Array, into: Int32Array): void;
  abstract write(slot: number, output: number, builder: ColumnsBuilder, field: number): void;
}

/**
 * A few doubles a slot, side by side (a tick touches one or two cache lines of its slot, not one for each value): value k
 * of a slot is `values[slot * width + k]`. All are 0 in an empty slot.
 */
export class SlotRecords implements SlotPart {
  values = new Float64Array(0);
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  reserve(capacity: number): void {
    if (this.values.length >= capacity * this.#width) return;
    const larger = new Float64Array(capacity * this.#width);
    larger.set(this.values);
    this.values = larger;
  }

  clear(slots: Int32Array): void {
    const { values } = this;
    const width = this.#width;
    for (const slot of slots) for (let k = 0; k < width; k++) values[slot * width + k] = 0;
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
