import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { nearestQuotient } from '../../core/quotient.ts';
import { NOT_EXACT, ScaledColumn } from '../../core/scaledColumn.ts';
import type { Chunk, Shape } from '../elements.ts';
import { OHLC_OUTPUTS, OhlcState } from './ohlcState.ts';
import { type SlotPart, SlotRecords, SlotState } from './slotState.ts';
import { numberColumn, numberField } from './spec.ts';

/** Prices and sizes have at most this many decimals, so a product has at most twice as many. */
export const VOLUME_SCALE = 18;
export const NOTIONAL_SCALE = 2 * VOLUME_SCALE;

export const VOLUME_OUTPUT = OHLC_OUTPUTS.length;
export const NOTIONAL_OUTPUT = VOLUME_OUTPUT + 1;
export const VWAP_OUTPUT = VOLUME_OUTPUT + 2;

/** `ohlc` with the exact sums of size and of price times size. */
export class OhlcvState extends SlotState {
  readonly #price: string;
  readonly #size: string;
  readonly #ohlc: OhlcState;
  readonly #volume = new DecimalSums(VOLUME_SCALE);
  readonly #notional = new DecimalSums(NOTIONAL_SCALE);
  readonly #scaledPrice = new ScaledColumn(VOLUME_SCALE);
  readonly #scaledSize = new ScaledColumn(VOLUME_SCALE);
  /** 1 for slots that hold a record with a price and a size. */
  readonly #traded = new SlotRecords(1);
  protected readonly parts: readonly SlotPart[];
  #prices: Float64Array = new Float64Array(0);
  #sizes: Float64Array = new Float64Array(0);
  #priceNulls: Uint8Array | undefined;
  #sizeNulls: Uint8Array | undefined;

  constructor(input: Shape, price: string, size: string) {
    super();
    this.#price = numberField(input, price).name;
    this.#size = numberField(input, size).name;
    this.#ohlc = new OhlcState(input, price);
    this.parts = [this.#ohlc, this.#volume, this.#notional, this.#traded];
  }

  begin(chunk: Chunk): void {
    this.#ohlc.begin(chunk);
    const price = numberColumn(chunk, this.#price);
    const size = numberColumn(chunk, this.#size);
    this.#prices = price.values;
    this.#sizes = size.values;
    this.#priceNulls = price.nulls;
    this.#sizeNulls = size.nulls;
    this.#scaledPrice.read(price);
    this.#scaledSize.read(size);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.#ohlc.add(rows, slots, from, to);
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot < 0 || this.#sizeNulls?.[row] === 1 || this.#priceNulls?.[row] === 1) continue;
      this.#traded.values[slot] = 1;
      this.#addTrade(slot, row);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    this.#ohlc.merge(from, into);
    const traded = this.#traded.values;
    for (let i = 0; i < from.length; i++) {
      const source = from[i] as number;
      const target = into[i] as number;
      if (traded[source] === 0) continue;
      traded[target] = 1;
      this.#volume.merge(source, target);
      this.#notional.merge(source, target);
    }
  }

  write(slot: number, output: number, builder: ColumnsBuilder, field: number): void {
    if (output < VOLUME_OUTPUT) this.#ohlc.write(slot, output, builder, field);
    else if (this.#traded.values[slot] === 0) builder.setNull(field);
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
