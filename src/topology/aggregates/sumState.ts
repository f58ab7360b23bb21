import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { nearestQuotient } from '../../core/quotient.ts';
import { NOT_EXACT, ScaledColumn } from '../../core/scaledColumn.ts';
import type { Chunk, Shape } from '../elements.ts';
import { type AggregateState, grownDoubles, numberColumn, numberField } from './spec.ts';

/** Decimals that a sum keeps; more are rounded. */
export const SUM_SCALE = 36;
const HIGHEST_INPUT_SCALE = 22;

/** Exact decimal sum and count of a field's values: the state of `sum` and `avg`. */
export class SumState implements AggregateState {
  readonly #field: string;
  readonly #average: boolean;
  readonly #sums = new DecimalSums(SUM_SCALE);
  readonly #scaled = new ScaledColumn(HIGHEST_INPUT_SCALE);
  #counts = new Float64Array(0);
  #values = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, average: boolean) {
    this.#field = numberField(input, field).name;
    this.#average = average;
  }

  reserve(capacity: number): void {
    if (this.#counts.length < capacity) this.#counts = grownDoubles(this.#counts, capacity);
    this.#sums.reserve(capacity);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values as Float64Array<ArrayBuffer>;
    this.#nulls = column.nulls;
    this.#scaled.read(column);
  }

  add(slots: Int32Array, from: number, to: number): void {
    const { mantissas, scales } = this.#scaled;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0 || this.#nulls?.[i] === 1) continue;
      (this.#counts[slot] as number)++;
      if (scales[i] === NOT_EXACT) this.#sums.addDouble(slot, this.#values[i] as number);
      else this.#sums.add(slot, mantissas[i] as number, scales[i] as number);
    }
  }

  merge(from: number, into: number): void {
    (this.#counts[into] as number) += this.#counts[from] as number;
    this.#sums.merge(from, into);
  }

  clear(slot: number): void {
    this.#counts[slot] = 0;
    this.#sums.clear(slot);
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    const count = this.#counts[slot] as number;
    if (count === 0) builder.setNull(field);
    else if (!this.#average) builder.setDecimal(field, this.#sums.unscaled(slot));
    else builder.setNumber(field, nearestQuotient(this.#sums.unscaled(slot), BigInt(count) * 10n ** BigInt(SUM_SCALE)));
  }
}
