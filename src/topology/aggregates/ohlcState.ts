import type { NumberColumn } from '../../core/columns.ts';
import { SlotRecords } from '../../core/slotRecords.ts';
import type { Chunk, Shape } from '../elements.ts';
import { NO_SEQUENCE, RowOrder } from './rowOrder.ts';
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

// A slot's record. Loops use constants of their own file: an import is read again at each use.
const OPEN = 0;
const HIGH = 1;
const LOW = 2;
const CLOSE = 3;
const OPEN_TIME = 4;
const OPEN_SEQUENCE = 5;
const OPEN_ARRIVAL = 6;
const CLOSE_TIME = 7;
const CLOSE_SEQUENCE = 8;
const CLOSE_ARRIVAL = 9;
const SEEN = 10;
const WIDTH = 11;

/** Where each output lies in a slot's record. */
const INDEXES: readonly number[] = [OPEN, HIGH, LOW, CLOSE, OPEN_TIME, OPEN_SEQUENCE, CLOSE_TIME, CLOSE_SEQUENCE];

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
    const { timesMicros, arrivals, sequences, sequenceNulls } = this.#order;
    const none = NO_SEQUENCE;
    const values = this.#values;
    const nulls = this.#nulls;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot < 0 || (nulls !== undefined && nulls[row] === 1)) continue;
      const at = slot * WIDTH;
      // Without the sign of -0, which is not above and not below 0.
      const value = (values[row] as number) + 0;
      if (Number.isNaN(value)) continue;
      const time = timesMicros[row] as number;
      if (records[at + SEEN] === 0) {
        records[at + SEEN] = 1;
        records[at + HIGH] = value;
        records[at + LOW] = value;
        records[at + OPEN_TIME] = Number.POSITIVE_INFINITY;
        records[at + CLOSE_TIME] = Number.NEGATIVE_INFINITY;
      } else if (value > (records[at + HIGH] as number)) {
        records[at + HIGH] = value;
      } else if (value < (records[at + LOW] as number)) {
        records[at + LOW] = value;
      }
      if (time < (records[at + CLOSE_TIME] as number) && time > (records[at + OPEN_TIME] as number)) continue;
      const isAbsent = sequences === null || (sequenceNulls !== undefined && sequenceNulls[row] === 1);
      offerEnds(records, at, value, time, isAbsent ? none : (sequences[row] as number), arrivals[row] as number);
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
    return { kind: index < OPEN_TIME ? 'double' : 'long', values, nulls };
  }
}

function mergeRecord(records: Float64Array, from: number, into: number): void {
  if (records[from + SEEN] === 0) return;
  if (records[into + SEEN] === 0) {
    for (let k = 0; k < WIDTH; k++) records[into + k] = records[from + k] as number;
    return;
  }
  records[into + HIGH] = Math.max(records[into + HIGH] as number, records[from + HIGH] as number);
  records[into + LOW] = Math.min(records[into + LOW] as number, records[from + LOW] as number);
  const [open, close] = [records[from + OPEN] as number, records[from + CLOSE] as number];
  const openTime = records[from + OPEN_TIME] as number;
  const closeTime = records[from + CLOSE_TIME] as number;
  offerEnds(
    records,
    into,
    open,
    openTime,
    records[from + OPEN_SEQUENCE] as number,
    records[from + OPEN_ARRIVAL] as number,
  );
  offerEnds(
    records,
    into,
    close,
    closeTime,
    records[from + CLOSE_SEQUENCE] as number,
    records[from + CLOSE_ARRIVAL] as number,
  );
}

/** Opens or closes the record at `at` with a value, if its place is before or after those that do. */
function offerEnds(
  records: Float64Array,
  at: number,
  value: number,
  time: number,
  sequence: number,
  arrival: number,
): void {
  if (isBefore(records, at + CLOSE_TIME, time, sequence, arrival)) {
    records[at + CLOSE] = value;
    records[at + CLOSE_TIME] = time;
    records[at + CLOSE_SEQUENCE] = sequence;
    records[at + CLOSE_ARRIVAL] = arrival;
  }
  if (!isBefore(records, at + OPEN_TIME, time, sequence, arrival)) {
    records[at + OPEN] = value;
    records[at + OPEN_TIME] = time;
    records[at + OPEN_SEQUENCE] = sequence;
    records[at + OPEN_ARRIVAL] = arrival;
  }
}

/** Whether the place held (time, sequence, arrival) comes before another, or is the same. */
function isBefore(records: Float64Array, at: number, time: number, sequence: number, arrival: number): boolean {
  const heldTime = records[at] as number;
  if (heldTime !== time) return heldTime < time;
  const heldSequence = records[at + 1] as number;
  if (heldSequence !== sequence) return heldSequence < sequence;
  return (records[at + 2] as number) <= arrival;
}
