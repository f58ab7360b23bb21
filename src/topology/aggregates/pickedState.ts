import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Chunk, Shape } from '../elements.ts';
import { Places, RowOrder } from './rowOrder.ts';
import { type AggregateState, grownBytes, grownDoubles, numberColumn, numberField } from './spec.ts';

export type Pick = 'first' | 'last' | 'earliest' | 'latest';

/** One value of a field, chosen by arrival (`first`, `last`) or by event time and sequence (`earliest`, `latest`). */
export class PickedState implements AggregateState {
  readonly #field: string;
  /** Keep what comes before (1) or after (-1) the value held. */
  readonly #direction: 1 | -1;
  readonly #byArrival: boolean;
  readonly #order: RowOrder;
  readonly #places = new Places();
  #seen = new Uint8Array(0);
  #picked = new Float64Array(0);
  #values = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, pick: Pick) {
    this.#field = numberField(input, field).name;
    this.#direction = pick === 'first' || pick === 'earliest' ? 1 : -1;
    this.#byArrival = pick === 'first' || pick === 'last';
    this.#order = new RowOrder(input);
  }

  reserve(capacity: number): void {
    if (this.#seen.length >= capacity) return;
    this.#seen = grownBytes(this.#seen, capacity);
    this.#picked = grownDoubles(this.#picked, capacity);
    this.#places.reserve(capacity);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values as Float64Array<ArrayBuffer>;
    this.#nulls = column.nulls;
    this.#order.begin(chunk);
  }

  add(slots: Int32Array, from: number, to: number): void {
    const { timesMicros, sequences, offsets } = this.#order;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0 || this.#nulls?.[i] === 1) continue;
      const time = this.#byArrival ? 0 : (timesMicros[i] as number);
      const sequence = this.#byArrival ? 0 : (sequences[i] as number);
      this.#offer(slot, this.#values[i] as number, time, sequence, offsets[i] as number);
    }
  }

  merge(from: number, into: number): void {
    if (this.#seen[from] === 0) return;
    const { timesMicros, sequences, offsets } = this.#places;
    const value = this.#picked[from] as number;
    this.#offer(into, value, timesMicros[from] as number, sequences[from] as number, offsets[from] as number);
  }

  clear(slot: number): void {
    this.#seen[slot] = 0;
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    if (this.#seen[slot] === 1) builder.setNumber(field, this.#picked[slot] as number);
    else builder.setNull(field);
  }

  #offer(slot: number, value: number, tsMicros: number, sequence: number, offset: number): void {
    const keep = this.#seen[slot] === 1 && this.#places.compare(slot, tsMicros, sequence, offset) * this.#direction > 0;
    if (keep) return;
    this.#seen[slot] = 1;
    this.#picked[slot] = value;
    this.#places.set(slot, tsMicros, sequence, offset);
  }
}
