import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Chunk, Shape } from '../elements.ts';
import { Places, RowOrder } from './rowOrder.ts';
import { type AggregateState, grownBytes, grownDoubles, numberColumn, numberField } from './spec.ts';

/** The outputs of `ohlc`, in order. */
export const OHLC_OUTPUTS = [
  'open',
  'high',
  'low',
  'close',
  'openTime',
  'openSequence',
  'closeTime',
  'closeSequence',
] as const;

/** Open and close by event time, then sequence, then arrival; high and low. Null prices are skipped. */
export class OhlcState implements AggregateState {
  readonly #field: string;
  readonly #order: RowOrder;
  readonly #opens = new Places();
  readonly #closes = new Places();
  #seen = new Uint8Array(0);
  #open = new Float64Array(0);
  #high = new Float64Array(0);
  #low = new Float64Array(0);
  #close = new Float64Array(0);
  #values = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string) {
    this.#field = numberField(input, field).name;
    this.#order = new RowOrder(input);
  }

  reserve(capacity: number): void {
    if (this.#seen.length >= capacity) return;
    this.#seen = grownBytes(this.#seen, capacity);
    this.#open = grownDoubles(this.#open, capacity);
    this.#high = grownDoubles(this.#high, capacity);
    this.#low = grownDoubles(this.#low, capacity);
    this.#close = grownDoubles(this.#close, capacity);
    this.#opens.reserve(capacity);
    this.#closes.reserve(capacity);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values as Float64Array<ArrayBuffer>;
    this.#nulls = column.nulls;
    this.#order.begin(chunk);
  }

  add(slots: Int32Array, from: number, to: number): void {
    const { timesMicros, sequences, offsets } = this.#order;
    const values = this.#values;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0 || this.#nulls?.[i] === 1) continue;
      const value = values[i] as number;
      const time = timesMicros[i] as number;
      const sequence = sequences[i] as number;
      const offset = offsets[i] as number;
      if (this.#seen[slot] === 0) {
        this.#seen[slot] = 1;
        this.#high[slot] = value;
        this.#low[slot] = value;
        this.#setOpen(slot, value, time, sequence, offset);
        this.#setClose(slot, value, time, sequence, offset);
        continue;
      }
      if (value > (this.#high[slot] as number)) this.#high[slot] = value;
      else if (value < (this.#low[slot] as number)) this.#low[slot] = value;
      if (this.#closes.compare(slot, time, sequence, offset) > 0) this.#setClose(slot, value, time, sequence, offset);
      else if (this.#opens.compare(slot, time, sequence, offset) < 0)
        this.#setOpen(slot, value, time, sequence, offset);
    }
  }

  merge(from: number, into: number): void {
    if (this.#seen[from] === 0) return;
    const isEmpty = this.#seen[into] === 0;
    const { timesMicros: openTimes, sequences: openSequences, offsets: openOffsets } = this.#opens;
    const { timesMicros: closeTimes, sequences: closeSequences, offsets: closeOffsets } = this.#closes;
    const opening = [openTimes[from] as number, openSequences[from] as number, openOffsets[from] as number] as const;
    const closing = [closeTimes[from] as number, closeSequences[from] as number, closeOffsets[from] as number] as const;
    if (isEmpty || this.#opens.compare(into, ...opening) < 0)
      this.#setOpen(into, this.#open[from] as number, ...opening);
    if (isEmpty || this.#closes.compare(into, ...closing) > 0) {
      this.#setClose(into, this.#close[from] as number, ...closing);
    }
    const high = this.#high[from] as number;
    const low = this.#low[from] as number;
    if (isEmpty || high > (this.#high[into] as number)) this.#high[into] = high;
    if (isEmpty || low < (this.#low[into] as number)) this.#low[into] = low;
    this.#seen[into] = 1;
  }

  clear(slot: number): void {
    this.#seen[slot] = 0;
  }

  write(slot: number, output: number, builder: ColumnsBuilder, field: number): void {
    const value = this.#seen[slot] === 1 ? this.#valueOf(slot, output) : null;
    if (value === null) builder.setNull(field);
    else builder.setNumber(field, value);
  }

  #valueOf(slot: number, output: number): number | null {
    switch (OHLC_OUTPUTS[output]) {
      case 'open':
        return this.#open[slot] as number;
      case 'high':
        return this.#high[slot] as number;
      case 'low':
        return this.#low[slot] as number;
      case 'close':
        return this.#close[slot] as number;
      case 'openTime':
        return this.#opens.timesMicros[slot] as number;
      case 'openSequence':
        return this.#opens.sequence(slot);
      case 'closeTime':
        return this.#closes.timesMicros[slot] as number;
      default:
        return this.#closes.sequence(slot);
    }
  }

  #setOpen(slot: number, value: number, tsMicros: number, sequence: number, offset: number): void {
    this.#open[slot] = value;
    this.#opens.set(slot, tsMicros, sequence, offset);
  }

  #setClose(slot: number, value: number, tsMicros: number, sequence: number, offset: number): void {
    this.#close[slot] = value;
    this.#closes.set(slot, tsMicros, sequence, offset);
  }
}
