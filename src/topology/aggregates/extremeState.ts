import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Chunk, Shape } from '../elements.ts';
import { type AggregateState, grownBytes, grownDoubles, numberColumn, numberField } from './spec.ts';

/** The lowest (`sign` 1) or highest (`sign` -1) value of a field: the state of `min` and `max`. */
export class ExtremeState implements AggregateState {
  readonly #field: string;
  readonly #sign: 1 | -1;
  #seen = new Uint8Array(0);
  #extremes = new Float64Array(0);
  #values = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, sign: 1 | -1) {
    this.#field = numberField(input, field).name;
    this.#sign = sign;
  }

  reserve(capacity: number): void {
    if (this.#seen.length >= capacity) return;
    this.#seen = grownBytes(this.#seen, capacity);
    this.#extremes = grownDoubles(this.#extremes, capacity);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values as Float64Array<ArrayBuffer>;
    this.#nulls = column.nulls;
  }

  add(slots: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot >= 0 && this.#nulls?.[i] !== 1) this.#offer(slot, this.#values[i] as number);
    }
  }

  merge(from: number, into: number): void {
    if (this.#seen[from] === 1) this.#offer(into, this.#extremes[from] as number);
  }

  clear(slot: number): void {
    this.#seen[slot] = 0;
    this.#extremes[slot] = 0;
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    if (this.#seen[slot] === 1) builder.setNumber(field, this.#extremes[slot] as number);
    else builder.setNull(field);
  }

  #offer(slot: number, value: number): void {
    if (this.#seen[slot] === 1 && (value - (this.#extremes[slot] as number)) * this.#sign >= 0) return;
    this.#seen[slot] = 1;
    this.#extremes[slot] = value;
  }
}
