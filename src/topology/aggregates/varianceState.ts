import type { NumberColumn } from '../../core/columns.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { nearestQuotient, nearestSquareRoot } from '../../core/quotient.ts';
import { ScaledColumn } from '../../core/scaledColumn.ts';
import type { Slides } from '../../core/slides.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotState } from './slotState.ts';
import { numberColumn, numberField, numbersOf } from './spec.ts';
import { HIGHEST_INPUT_SCALE, SUM_SCALE } from './sumState.ts';

const SQUARE_SCALE = 2 * SUM_SCALE;

/** Exact sums of a field's values and of their squares: the state of `variance` and `stddev`. */
export class VarianceState extends SlotState {
  readonly #field: string;
  readonly #root: boolean;
  readonly #sums = new DecimalSums(SUM_SCALE);
  readonly #squares = new DecimalSums(SQUARE_SCALE);
  protected readonly parts = [this.#sums, this.#squares];
  readonly #scaled = new ScaledColumn(HIGHEST_INPUT_SCALE);

  constructor(input: Shape, field: string, root: boolean) {
    super();
    this.#field = numberField(input, field).name;
    this.#root = root;
  }

  begin(chunk: Chunk): void {
    this.#scaled.read(numberColumn(chunk, this.#field));
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.#sums.addColumn(rows, slots, from, to, this.#scaled);
    this.#squares.addProducts(rows, slots, from, to, this.#scaled, this.#scaled);
  }

  merge(from: Int32Array, into: Int32Array): void {
    this.#sums.merge(from, into);
    this.#squares.merge(from, into);
  }

  slide(slides: Slides, out: number): void {
    this.#sums.slide(slides, out);
    this.#squares.slide(slides, out);
  }

  results(_output: number, slots: Int32Array): NumberColumn {
    return numbersOf('double', slots, (slot) => this.#varianceOf(slot));
  }

  /** (n Σx² - (Σx)²) / n², from exact integers. */
  #varianceOf(slot: number): number {
    const count = BigInt(this.#sums.count(slot));
    if (count === 0n) return Number.NaN;
    const spread = count * this.#squares.unscaled(slot) - this.#sums.unscaled(slot) ** 2n;
    // Below 10^-36 a value and its square are rounded apart.
    const numerator = spread < 0n ? 0n : spread;
    const denominator = count ** 2n * 10n ** BigInt(SQUARE_SCALE);
    return this.#root ? nearestSquareRoot(numerator, denominator) : nearestQuotient(numerator, denominator);
  }
}
