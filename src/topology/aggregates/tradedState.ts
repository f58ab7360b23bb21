import type { Column } from '../../core/columns.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { ScaledColumn } from '../../core/scaledColumn.ts';
import type { Slides } from '../../core/slides.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotState } from './slotState.ts';
import { numberColumn, numberField, numbersOf } from './spec.ts';

/** Prices and sizes have at most this many decimals, so a product has at most twice as many. */
export const VOLUME_SCALE = 18;
export const NOTIONAL_SCALE = 2 * VOLUME_SCALE;

/** The outputs, in order. */
export const TRADED_OUTPUTS = ['volume', 'notional', 'vwap'] as const;

/** Exact sums of size and of price times size, over records that have both. */
export class TradedState extends SlotState {
  readonly #price: string;
  readonly #size: string;
  readonly #volume = new DecimalSums(VOLUME_SCALE);
  readonly #notional = new DecimalSums(NOTIONAL_SCALE);
  protected readonly parts = [this.#volume, this.#notional];
  readonly #prices = new ScaledColumn(VOLUME_SCALE);
  readonly #sizes = new ScaledColumn(VOLUME_SCALE);

  constructor(input: Shape, price: string, size: string) {
    super();
    this.#price = numberField(input, price).name;
    this.#size = numberField(input, size).name;
  }

  begin(chunk: Chunk): void {
    this.#prices.read(numberColumn(chunk, this.#price));
    this.#sizes.read(numberColumn(chunk, this.#size));
    this.#sizes.leaveOut(this.#prices);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.#volume.addColumn(rows, slots, from, to, this.#sizes);
    this.#notional.addProducts(rows, slots, from, to, this.#prices, this.#sizes);
  }

  merge(from: Int32Array, into: Int32Array): void {
    this.#volume.merge(from, into);
    this.#notional.merge(from, into);
  }

  slide(slides: Slides, out: number): void {
    this.#volume.slide(slides, out);
    this.#notional.slide(slides, out);
  }

  results(output: number, slots: Int32Array): Column {
    const volume = this.#volume;
    if (output === TRADED_OUTPUTS.indexOf('volume')) return volume.column(slots);
    if (output === TRADED_OUTPUTS.indexOf('notional')) return this.#notional.column(slots);
    return numbersOf('double', slots, (slot) =>
      volume.isZero(slot) ? Number.NaN : this.#notional.ratio(slot, volume),
    );
  }
}
