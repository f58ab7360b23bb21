import type { Column } from '../../core/columns.ts';
import type { Slides } from '../../core/slides.ts';
import type { Chunk, Shape } from '../elements.ts';
import { OHLC_OUTPUTS, OhlcState } from './ohlcState.ts';
import { SlotState } from './slotState.ts';
import { TRADED_OUTPUTS, TradedState } from './tradedState.ts';

const FIRST_TRADED = OHLC_OUTPUTS.length;

export const VOLUME_OUTPUT = FIRST_TRADED + TRADED_OUTPUTS.indexOf('volume');
export const NOTIONAL_OUTPUT = FIRST_TRADED + TRADED_OUTPUTS.indexOf('notional');
export const VWAP_OUTPUT = FIRST_TRADED + TRADED_OUTPUTS.indexOf('vwap');

/** `ohlc` with the exact sums of size and of price times size. */
export class OhlcvState extends SlotState {
  readonly #ohlc: OhlcState;
  readonly #traded: TradedState;
  protected readonly parts;

  constructor(input: Shape, price: string, size: string) {
    super();
    this.#ohlc = new OhlcState(input, price);
    this.#traded = new TradedState(input, price, size);
    this.parts = [this.#ohlc, this.#traded];
  }

  begin(chunk: Chunk): void {
    for (const part of this.parts) part.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    for (const part of this.parts) part.add(rows, slots, from, to);
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (const part of this.parts) part.merge(from, into);
  }

  slide(slides: Slides, out: number): void {
    for (const part of this.parts) part.slide(slides, out);
  }

  results(output: number, slots: Int32Array): Column {
    if (output < FIRST_TRADED) return this.#ohlc.results(output, slots);
    return this.#traded.results(output - FIRST_TRADED, slots);
  }
}
