import type { Column } from '../../core/columns.ts';
import type { Chunk, Shape } from '../elements.ts';
import { type FieldCodes, fieldCodes } from './fieldCodes.ts';
import { type AggregateState, fieldOf } from './spec.ts';

/** A state that grows with the values of one field, of any kind: each record's value comes as its code. */
export abstract class CodedState implements AggregateState {
  protected readonly codes: FieldCodes;

  constructor(input: Shape, field: string) {
    this.codes = fieldCodes(fieldOf(input, field));
  }

  reserve(): boolean {
    return false;
  }

  begin(chunk: Chunk): void {
    this.codes.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot >= 0) this.addCode(slot, this.codes.code(row), row);
    }
  }

  /** Adds the value of the chunk's record `row`; its code is NaN for null. */
  protected abstract addCode(slot: number, code: number, row: number): void;
  abstract merge(from: Int32Array, into: Int32Array): void;
  abstract clear(slots: Int32Array): void;
  abstract results(output: number, slots: Int32Array): Column;
  abstract snapshot(slots: Int32Array): unknown;
  abstract restore(slots: Int32Array, saved: unknown): void;
}
