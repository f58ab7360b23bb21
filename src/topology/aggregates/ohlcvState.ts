import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { nearestQuotient } from '../../core/quotient.ts';
import { NOT_EXACT, ScaledColumn } from '../../core/scaledColumn.ts';
import type { Chunk, Shape } from '../elements.ts';
import { OHLC_OUTPUTS, OhlcState } from './ohlcState.ts';
import { type AggregateState, grownBytes, numberColumn, numberField } from './spec.ts';

/** Prices and sizes have at most this many decimals, so a product has at most twice as many. */
export const VOLUME_SCALE = 18;
export const NOTIONAL_SCALE = 2 * VOLUME_SCALE;

export const VOLUME_OUTPUT = OHLC_OUTPUTS.length;
export const NOTIONAL_OUTPUT = VOLUME_OUTPUT + 1;
export const VWAP_OUTPUT = VOLUME_OUTPUT + 2;

/** `ohlc` with the exact sums of size and of price times size. */
export class OhlcvState implements AggregateState {
  readonly #price: string;
  readonly #size: string;
  readonly #ohlc: OhlcState;
  readonly #volume = new DecimalSums(VOLUME_SCALE);
  readonly #notional = new DecimalSums(NOTIONAL_SCALE);
  readonly #scaledPrice = new ScaledColumn(VOLUME_SCALE);
  readonly #scaledSize = new ScaledColumn(VOLUME_SCALE);
  /** Slots that hold a record with a price and a size. */
  #traded = new Uint8Array(0);
  #prices = new Float64Array(0);
  #sizes = new Float64Array(0);
  #priceNulls: Uint8Array | undefined;
  #sizeNulls: Uint8Array | undefined;

  constructor(input: Shape, price: string, size: string) {
    this.#price = numberField(input, price).name;
    this.#size = numberField(input, size).name;
    this.#ohlc = new OhlcState(input, price);
  }

  reserve(capacity: number): void {
    if (this.#traded.length < capacity) this.#traded = grownBytes(this.#traded, capacity);
    this.#ohlc.reserve(capacity);
    this.#volume.reserve(capacity);
    this.#notional.reserve(capacity);
  }

  begin(chunk: Chunk): void {
    this.#ohlc.begin(chunk);
    const price = numberColumn(chunk, this.#price);
    const size = numberColumn(chunk, this.#size);
    this.#prices = price.values as Float64Array<ArrayBuffer>;
    this.#sizes = size.values as Float64Array<ArrayBuffer>;
    this.#priceNulls = price.nulls;
    this.#sizeNulls = size.nulls;
    this.#scaledPrice.read(price);
    this.#scaledSize.read(size);
  }

  add(slots: Int32Array, from: number, to: number): void {
    this.#ohlc.add(slots, from, to);
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0 || this.#sizeNulls?.[i] === 1 || this.#priceNulls?.[i] === 1) continue;
      this.#traded[slot] = 1;
      this.#addTrade(slot, i);
    }
  }

  merge(from: number, into: number): void {
    this.#ohlc.merge(from, into);
    if (this.#traded[from] === 0) return;
    this.#traded[into] = 1;
    this.#volume.merge(from, into);
    this.#notional.merge(from, into);
  }

  clear(slot: number): void {
    this.#ohlc.clear(slot);
    this.#traded[slot] = 0;
    this.#volume.clear(slot);
    this.#notional.clear(slot);
  }

  write(slot: number, output: number, builder: ColumnsBuilder, field: number): void {
    if (output < VOLUME_OUTPUT) this.#ohlc.write(slot, output, builder, field);
    else if (this.#traded[slot] === 0) builder.setNull(field);
    else if (output === VOLUME_OUTPUT) builder.setDecimal(field, this.#volume.unscaled(slot));
    else if (output === NOTIONAL_OUTPUT) builder.setDecimal(field, this.#notional.unscaled(slot));
    else this.#writeVwap(slot, builder, field);
  }

  #writeVwap(slot: number, builder: ColumnsBuilder, field: number): void {
    const volume = this.#volume.unscaled(slot) * 10n ** BigInt(NOTIONAL_SCALE - VOLUME_SCALE);
    if (volume === 0n) builder.setNull(field);
    else builder.setNumber(field, nearestQuotient(this.#notional.unscaled(slot), volume));
  }

  #addTrade(slot: number, i: number): void {
    const priceScale = this.#scaledPrice.scales[i] as number;
    const sizeScale = this.#scaledSize.scales[i] as number;
    if (sizeScale === NOT_EXACT) this.#volume.addDouble(slot, this.#sizes[i] as number);
    else this.#volume.add(slot, this.#scaledSize.mantissas[i] as number, sizeScale);
    if (priceScale === NOT_EXACT || sizeScale === NOT_EXACT) {
      this.#notional.addDoubleProduct(slot, this.#prices[i] as number, this.#sizes[i] as number);
      return;
    }
    const price = this.#scaledPrice.mantissas[i] as number;
    this.#notional.addProduct(slot, price, priceScale, this.#scaledSize.mantissas[i] as number, sizeScale);
  }
}
