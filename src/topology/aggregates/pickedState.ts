import type { Column } from '../../core/columns.ts';
import { SlotRecords } from '../../core/slotRecords.ts';
import type { Chunk, Shape } from '../elements.ts';
import { type FieldCodes, fieldCodes } from './fieldCodes.ts';
import {
  comparePlace,
  PLACE_ARRIVAL,
  PLACE_SEQUENCE,
  PLACE_TIME,
  PLACE_WIDTH,
  RowOrder,
  setPlace,
} from './rowOrder.ts';
import { type AggregateState, fieldOf } from './spec.ts';

export type Pick = 'first' | 'last' | 'earliest' | 'latest';

const PLACE = 0;
const SEEN = PLACE_WIDTH;
/** The value's code; NaN for null, and where nothing was seen 0. */
const CODE = SEEN + 1;
const WIDTH = CODE + 1;

/** One value of a field, chosen by arrival (`first`, `last`) or by event time and sequence (`earliest`, `latest`). */
export class PickedState implements AggregateState {
  readonly #codes: FieldCodes;
  /** Keep what comes before (1) or after (-1) the value held. */
  readonly #direction: 1 | -1;
  readonly #byArrival: boolean;
  readonly #keepNulls: boolean;
  readonly #order: RowOrder;
  readonly #records = new SlotRecords(WIDTH);

  constructor(input: Shape, field: string, pick: Pick, keepNulls: boolean) {
    this.#codes = fieldCodes(fieldOf(input, field));
    this.#direction = pick === 'first' || pick === 'earliest' ? 1 : -1;
    this.#byArrival = pick === 'first' || pick === 'last';
    this.#keepNulls = keepNulls;
    this.#order = new RowOrder(input);
  }

  reserve(capacity: number): boolean {
    return this.#records.reserve(capacity);
  }

  begin(chunk: Chunk): void {
    this.#codes.begin(chunk);
    this.#order.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const order = this.#order;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0) continue;
      const row = rows[i] as number;
      const code = this.#codes.code(row);
      if (Number.isNaN(code) && !this.#keepNulls) continue;
      const time = this.#byArrival ? 0 : (order.timesMicros[row] as number);
      const sequence = this.#byArrival ? 0 : order.sequenceAt(row);
      this.#offer(slot, code, time, sequence, order.arrivals[row] as number);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const records = this.#records.values;
    for (let i = 0; i < from.length; i++) {
      const at = (from[i] as number) * WIDTH;
      if (records[at + SEEN] === 0) continue;
      const time = records[at + PLACE_TIME] as number;
      const sequence = records[at + PLACE_SEQUENCE] as number;
      const arrival = records[at + PLACE_ARRIVAL] as number;
      this.#offer(into[i] as number, records[at + CODE] as number, time, sequence, arrival);
    }
  }

  clear(slots: Int32Array): void {
    const records = this.#records.values;
    for (const slot of slots) {
      const at = slot * WIDTH;
      if (records[at + SEEN] === 1) this.#codes.release(records[at + CODE] as number);
    }
    this.#records.clear(slots);
  }

  snapshot(slots: Int32Array): { readonly records: Float64Array; readonly values: unknown } {
    return { records: this.#records.snapshot(slots), values: this.#codes.save(this.#heldCodes(slots)) };
  }

  restore(slots: Int32Array, saved: ReturnType<PickedState['snapshot']>): void {
    this.#records.restore(slots, saved.records);
    const codes = this.#codes.load(saved.values);
    for (let i = 0; i < slots.length; i++) {
      const at = (slots[i] as number) * WIDTH;
      if (this.#records.values[at + SEEN] === 0) continue;
      this.#records.values[at + CODE] = codes[i] as number;
      this.#codes.retain(codes[i] as number);
    }
  }

  results(_output: number, slots: Int32Array): Column {
    return this.#codes.column(this.#heldCodes(slots));
  }

  /** NaN where nothing was seen, or a null. */
  #heldCodes(slots: Int32Array): Float64Array {
    const records = this.#records.values;
    return Float64Array.from(slots, (slot) => {
      return records[slot * WIDTH + SEEN] === 0 ? Number.NaN : (records[slot * WIDTH + CODE] as number);
    });
  }

  #offer(slot: number, code: number, tsMicros: number, sequence: number, arrival: number): void {
    const records = this.#records.values;
    const at = slot * WIDTH;
    const isHeld = records[at + SEEN] === 1;
    if (isHeld && comparePlace(records, at + PLACE, tsMicros, sequence, arrival) * this.#direction > 0) return;
    if (isHeld) this.#codes.release(records[at + CODE] as number);
    this.#codes.retain(code);
    records[at + SEEN] = 1;
    records[at + CODE] = code;
    setPlace(records, at + PLACE, tsMicros, sequence, arrival);
  }
}
