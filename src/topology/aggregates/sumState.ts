import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { nearestQuotient } from '../../core/quotient.ts';
import { NOT_EXACT, ScaledColumn } from '../../core/scaledColumn.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotRecords, SlotState } from './slotState.ts';
import { numberColumn, numberField } from './spec.ts';

/** Decimals that a sum keeps; more are rounded. */
export const SUM_SCALE = 36;
const HIGHEST_INPUT_SCALE = 22;

/** Exact decimal sum and count of a field's values: the state of `sum` and `avg`. */
export class SumState extends SlotState {
  readonly #field: string;
  readonly #average: boolean;
  readonly #sums = new DecimalSums(SUM_SCALE);
  readonly #counts = new SlotRecords(1);
  protected readonly parts = [this.#sums, this.#counts];
  readonly #scaled = new ScaledColumn(HIGHEST_INPUT_SCALE);
  #values: Float64Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, average: boolean) {
    super();
    this.#field = numberField(input, field).name;
    this.#average = average;
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values;
    this.#nulls = column.nulls;
    this.#scaled.read(column);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const { mantissas, scales } = this.#scaled;
    const counts = this.#counts.values;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot < 0 || this.#nulls?.[row] === 1) continue;
      (counts[slot] as number)++;
      if (scales[row] === NOT_EXACT) this.#sums.addDouble(slot, this.#values[row] as number);
      else this.#sums.add(slot, mantissas[row] as number, scales[row] as number);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const counts = this.#counts.values;
    for (let i = 0; i < from.length; i++) {
      (counts[into[i] as number] as number) += counts[from[i] as number] as number;
      this.#sums.merge(from[i] as number, into[i] as number);
    }
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    const count = this.#counts.values[slot] as number;
    if (count === 0) builder.setNull(field);
    else if (!this.#average) builder.setDecimal(field, this.#sums.unscaled(slot));
    else builder.setNumber(field, nearestQuotient(this.#sums.unscaled(slot), BigInt(count) * 10n ** BigInt(SUM_SCALE)));
  }
}
