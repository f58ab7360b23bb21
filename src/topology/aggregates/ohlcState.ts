import type { NumberColumn } from '../../core/columns.ts';
import { SlotRecords } from '../../core/slotRecords.ts';
import type { Chunk, Shape } from '../elements.ts';
import {
  comparePlace,
  NO_SEQUENCE,
  PLACE_ARRIVAL,
  PLACE_SEQUENCE,
  PLACE_TIME,
  PLACE_WIDTH,
  RowOrder,
  setPlace,
} from './rowOrder.ts';
import { SlotState } from './slotState.ts';
import { numberColumn, numberField } from './spec.ts';

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

const OPEN = 0;
const HIGH = 1;
const LOW = 2;
const CLOSE = 3;
const OPENING = 4;
const CLOSING = OPENING + PLACE_WIDTH;
const SEEN = CLOSING + PLACE_WIDTH;
const WIDTH = SEEN + 1;

/** Where each output lies in a slot's record. */
const INDEXES: readonly number[] = [
  OPEN,
  HIGH,
  LOW,
  CLOSE,
  OPENING + PLACE_TIME,
  OPENING + PLACE_SEQUENCE,
  CLOSING + PLACE_TIME,
  CLOSING + PLACE_SEQUENCE,
];

/** Open and close by event time, then sequence, then arrival; high and low. Null prices are skipped. */
export class OhlcState extends SlotState {
  readonly #field: string;
  readonly #order: RowOrder;
  readonly #records = new SlotRecords(WIDTH);
  protected readonly parts = [this.#records];
  #values: Float64Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string) {
    super();
    this.#field = numberField(input, field).name;
    this.#order = new RowOrder(input);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values;
    this.#nulls = column.nulls;
    this.#order.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const records = this.#records.values;
    const order = this.#order;
    const { timesMicros, arrivals } = order;
    const values = this.#values;
    const nulls = this.#nulls;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot < 0 || nulls?.[row] === 1) continue;
      const at = slot * WIDTH;
      const value = values[row] as number;
      const time = timesMicros[row] as number;
      const sequence = order.sequenceAt(row);
      const arrival = arrivals[row] as number;
      const isFirst = records[at + SEEN] === 0;
      records[at + SEEN] = 1;
      if (isFirst || value > (records[at + HIGH] as number)) records[at + HIGH] = value;
      if (isFirst || value < (records[at + LOW] as number)) records[at + LOW] = value;
      if (isFirst || comparePlace(records, at + CLOSING, time, sequence, arrival) > 0) {
        records[at + CLOSE] = value;
        setPlace(records, at + CLOSING, time, sequence, arrival);
      }
      if (isFirst || comparePlace(records, at + OPENING, time, sequence, arrival) < 0) {
        records[at + OPEN] = value;
        setPlace(records, at + OPENING, time, sequence, arrival);
      }
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const records = this.#records.values;
    for (let i = 0; i < from.length; i++)
      mergeRecord(records, (from[i] as number) * WIDTH, (into[i] as number) * WIDTH);
  }

  results(output: number, slots: Int32Array): NumberColumn {
    const records = this.#records.values;
    const index = INDEXES[output] as number;
    const values = new Float64Array(slots.length);
    const nulls = new Uint8Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const at = (slots[i] as number) * WIDTH;
      const value = records[at + index] as number;
      if (records[at + SEEN] === 0 || value === NO_SEQUENCE) nulls[i] = 1;
      else values[i] = value;
    }
    return { kind: index < OPENING ? 'double' : 'long', values, nulls };
  }
}

function mergeRecord(records: Float64Array, from: number, into: number): void {
  if (records[from + SEEN] === 0) return;
  const isFirst = records[into + SEEN] === 0;
  records[into + SEEN] = 1;
  const high = records[from + HIGH] as number;
  const low = records[from + LOW] as number;
  if (isFirst || high > (records[into + HIGH] as number)) records[into + HIGH] = high;
  if (isFirst || low < (records[into + LOW] as number)) records[into + LOW] = low;
  if (isFirst || compareRecords(records, from + OPENING, into + OPENING) < 0) {
    records[into + OPEN] = records[from + OPEN] as number;
    copyPlace(records, from + OPENING, into + OPENING);
  }
  if (isFirst || compareRecords(records, from + CLOSING, into + CLOSING) > 0) {
    records[into + CLOSE] = records[from + CLOSE] as number;
    copyPlace(records, from + CLOSING, into + CLOSING);
  }
}

function compareRecords(records: Float64Array, a: number, b: number): number {
  const time = records[a + PLACE_TIME] as number;
  return comparePlace(records, b, time, records[a + PLACE_SEQUENCE] as number, records[a + PLACE_ARRIVAL] as number);
}

function copyPlace(records: Float64Array, from: number, into: number): void {
  for (let k = 0; k < PLACE_WIDTH; k++) records[into + k] = records[from + k] as number;
}
