import type { DecimalColumn, NumberColumn } from '../../core/columns.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { ScaledColumn } from '../../core/scaledColumn.ts';
import type { Slides } from '../../core/slides.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotState } from './slotState.ts';
import { exactColumn, exactField, numbersOf } from './spec.ts';

/** Decimals that a sum of doubles keeps; more are rounded. */
export const SUM_SCALE = 36;
export const HIGHEST_INPUT_SCALE = 22;

/** Decimals of a field's sum: as many as a decimal field has. @throws TM_TOPOLOGY */
export function sumScaleOf(input: Shape, field: string): number {
  return exactField(input, field).scale ?? SUM_SCALE;
}

/** Exact decimal sum and count of a field's values: the state of `sum` and `avg`. */
export class SumState extends SlotState {
  readonly #field: string;
  readonly #average: boolean;
  readonly #sums: DecimalSums;
  protected readonly parts: readonly [DecimalSums];
  readonly #scaled = new ScaledColumn(HIGHEST_INPUT_SCALE);

  constructor(input: Shape, field: string, average: boolean) {
    super();
    this.#field = field;
    this.#average = average;
    this.#sums = new DecimalSums(sumScaleOf(input, field));
    this.parts = [this.#sums];
  }

  begin(chunk: Chunk): void {
    this.#scaled.read(exactColumn(chunk, this.#field));
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.#sums.addColumn(rows, slots, from, to, this.#scaled);
  }

  merge(from: Int32Array, into: Int32Array): void {
    this.#sums.merge(from, into);
  }

  slide(slides: Slides, out: number): void {
    this.#sums.slide(slides, out);
  }

  results(_output: number, slots: Int32Array): DecimalColumn | NumberColumn {
    if (!this.#average) return this.#sums.column(slots);
    return numbersOf('double', slots, (slot) => (this.#sums.count(slot) === 0 ? Number.NaN : this.#sums.mean(slot)));
  }
}
