import type { Column } from '../../core/columns.ts';
import type { SlotPart } from '../../core/slotRecords.ts';
import type { Chunk } from '../elements.ts';
import type { AggregateState } from './spec.ts';

/** A state made of parts: what to do with values is left to the aggregate. */
export abstract class SlotState implements AggregateState {
  protected abstract readonly parts: readonly SlotPart[];

  reserve(capacity: number): boolean {
    return this.parts.some((part) => part.reserve(capacity));
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
  abstract results(output: number, slots: Int32Array, endsMicros: Float64Array): Column;
}
