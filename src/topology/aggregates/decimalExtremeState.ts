import type { DecimalColumn } from '../../core/columns.ts';
import { DECIMAL_BYTES, readDecimal, writeDecimal } from '../../core/decimalBytes.ts';
import type { Chunk } from '../elements.ts';
import { type AggregateState, exactColumn } from './spec.ts';

type DecimalField = Pick<DecimalColumn, 'precision' | 'scale'> & { readonly name: string };

/** The lowest (`sign` 1) or highest (`sign` -1) value of a decimal field, one scale for all. */
export class DecimalExtremeState implements AggregateState {
  readonly #field: DecimalField;
  readonly #sign: 1 | -1;
  readonly #extremes: (bigint | undefined)[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  #nulls: Uint8Array | undefined;

  constructor(field: DecimalField, sign: 1 | -1) {
    this.#field = field;
    this.#sign = sign;
  }

  reserve(): boolean {
    return false;
  }

  begin(chunk: Chunk): void {
    const column = exactColumn(chunk, this.#field.name) as DecimalColumn;
    this.#bytes = column.bytes;
    this.#nulls = column.nulls;
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot >= 0 && this.#nulls?.[row] !== 1) this.#offer(slot, readDecimal(this.#bytes, row * DECIMAL_BYTES));
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) {
      const extreme = this.#extremes[from[i] as number];
      if (extreme !== undefined) this.#offer(into[i] as number, extreme);
    }
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) this.#extremes[slot] = undefined;
  }

  snapshot(slots: Int32Array): readonly (bigint | undefined)[] {
    return Array.from(slots, (slot) => this.#extremes[slot]);
  }

  restore(slots: Int32Array, saved: ReturnType<DecimalExtremeState['snapshot']>): void {
    slots.forEach((slot, index) => {
      this.#extremes[slot] = saved[index];
    });
  }

  results(_output: number, slots: Int32Array): DecimalColumn {
    const bytes = new Uint8Array(slots.length * DECIMAL_BYTES);
    const nulls = new Uint8Array(slots.length);
    slots.forEach((slot, index) => {
      const extreme = this.#extremes[slot];
      if (extreme === undefined) nulls[index] = 1;
      else writeDecimal(bytes, index * DECIMAL_BYTES, extreme);
    });
    const { precision, scale } = this.#field;
    return { kind: 'decimal', precision, scale, bytes, nulls };
  }

  #offer(slot: number, value: bigint): void {
    const held = this.#extremes[slot];
    if (held === undefined || (this.#sign === 1 ? value < held : value > held)) this.#extremes[slot] = value;
  }
}
