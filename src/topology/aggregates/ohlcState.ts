import type { NumberColumn } from '../../core/columns.ts';
import { DROP, SHOW, type Slides, TAKE } from '../../core/slides.ts';
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

// What a slot in a stretch has besides: its neighbours, and the highest and lowest from it to the newest of the older ones.
const PREVIOUS = 0;
const NEXT = 1;
const HIGH_FROM = 2;
const LOW_FROM = 3;
const LINKS_WIDTH = 4;

// Of a stretch, in the record of its own slot: its first and last slot that have a price and the newest of the older ones, each
// as its number + 1, or 0 for none; the highest and lowest of the newer ones.
const FIRST = 0;
const LAST = 1;
const NEWEST_OLDER = 2;
const NEWER_HIGH = 3;
const NEWER_LOW = 4;

/** Where each output lies in a slot's record. */
const INDEXES: readonly number[] = [OPEN, HIGH, LOW, CLOSE, OPEN_TIME, OPEN_SEQUENCE, CLOSE_TIME, CLOSE_SEQUENCE];

/** Open and close by event time, then sequence, then arrival; high and low. Null prices are skipped. */
export class OhlcState extends SlotState {
  readonly #field: string;
  readonly #order: RowOrder;
  readonly #records = new SlotRecords(WIDTH);
  /** What slots in stretches have besides; nothing until there is a stretch. */
  readonly #links = new SlotRecords(LINKS_WIDTH);
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

  slide({ count, kinds, stretches, slots }: Slides, out: number): void {
    const records = this.#records.values;
    this.#links.reserve(records.length / WIDTH);
    const links = this.#links.values;
    const [take, drop, show] = [TAKE, DROP, SHOW];
    let shown = out;
    for (let i = 0; i < count; i++) {
      const kind = kinds[i];
      const stretch = (stretches[i] as number) * WIDTH;
      const slot = slots[i] as number;
      if (kind === show) showStretch(records, links, stretch, WIDTH * shown++);
      else if (kind !== take && kind !== drop) forgetStretch(records, stretch);
      else if (records[slot * WIDTH + SEEN] === 0) continue;
      else if (kind === take) takeSlot(records, links, stretch, slot);
      else dropSlot(records, links, stretch);
    }
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

function forgetStretch(records: Float64Array, stretch: number): void {
  records[stretch + FIRST] = 0;
  records[stretch + LAST] = 0;
  records[stretch + NEWEST_OLDER] = 0;
}

/** A slot comes to a stretch: it is one of the newer ones, whose highest and lowest are kept together. */
function takeSlot(records: Float64Array, links: Float64Array, stretch: number, slot: number): void {
  const last = records[stretch + LAST] as number;
  const high = records[slot * WIDTH + HIGH] as number;
  const low = records[slot * WIDTH + LOW] as number;
  const isNewest = last === records[stretch + NEWEST_OLDER];
  if (isNewest || high > (records[stretch + NEWER_HIGH] as number)) records[stretch + NEWER_HIGH] = high;
  if (isNewest || low < (records[stretch + NEWER_LOW] as number)) records[stretch + NEWER_LOW] = low;
  links[slot * LINKS_WIDTH + PREVIOUS] = last;
  if (last === 0) records[stretch + FIRST] = slot + 1;
  else links[(last - 1) * LINKS_WIDTH + NEXT] = slot + 1;
  records[stretch + LAST] = slot + 1;
}

/** The first slot leaves: it is one of the older ones, that each know the highest and lowest of what is left after the ones before. */
function dropSlot(records: Float64Array, links: Float64Array, stretch: number): void {
  const first = records[stretch + FIRST] as number;
  if (first === records[stretch + LAST]) {
    forgetStretch(records, stretch);
    return;
  }
  if (records[stretch + NEWEST_OLDER] === 0) turnOver(records, links, stretch);
  if (first === records[stretch + NEWEST_OLDER]) records[stretch + NEWEST_OLDER] = 0;
  records[stretch + FIRST] = links[(first - 1) * LINKS_WIDTH + NEXT] as number;
}

/** Makes the newer slots older ones (two stacks, as in `SlidingMerges`). */
function turnOver(records: Float64Array, links: Float64Array, stretch: number): void {
  const first = records[stretch + FIRST] as number;
  const last = records[stretch + LAST] as number;
  let high = Number.NEGATIVE_INFINITY;
  let low = Number.POSITIVE_INFINITY;
  for (let slot = last; ; slot = links[(slot - 1) * LINKS_WIDTH + PREVIOUS] as number) {
    const at = (slot - 1) * LINKS_WIDTH;
    high = Math.max(high, records[(slot - 1) * WIDTH + HIGH] as number);
    low = Math.min(low, records[(slot - 1) * WIDTH + LOW] as number);
    links[at + HIGH_FROM] = high;
    links[at + LOW_FROM] = low;
    if (slot === first) break;
  }
  records[stretch + NEWEST_OLDER] = last;
}

/** Writes what a stretch holds into the record at `out`. */
function showStretch(records: Float64Array, links: Float64Array, stretch: number, out: number): void {
  const first = records[stretch + FIRST] as number;
  const last = records[stretch + LAST] as number;
  const newestOlder = records[stretch + NEWEST_OLDER] as number;
  if (first === 0) {
    records[out + SEEN] = 0;
    return;
  }
  let high = records[stretch + NEWER_HIGH] as number;
  let low = records[stretch + NEWER_LOW] as number;
  if (newestOlder !== 0) {
    const highFrom = links[(first - 1) * LINKS_WIDTH + HIGH_FROM] as number;
    const lowFrom = links[(first - 1) * LINKS_WIDTH + LOW_FROM] as number;
    const hasNewer = newestOlder !== last;
    high = hasNewer ? Math.max(high, highFrom) : highFrom;
    low = hasNewer ? Math.min(low, lowFrom) : lowFrom;
  }
  const from = (first - 1) * WIDTH;
  const to = (last - 1) * WIDTH;
  records[out + SEEN] = 1;
  records[out + HIGH] = high;
  records[out + LOW] = low;
  records[out + OPEN] = records[from + OPEN] as number;
  records[out + OPEN_TIME] = records[from + OPEN_TIME] as number;
  records[out + OPEN_SEQUENCE] = records[from + OPEN_SEQUENCE] as number;
  records[out + CLOSE] = records[to + CLOSE] as number;
  records[out + CLOSE_TIME] = records[to + CLOSE_TIME] as number;
  records[out + CLOSE_SEQUENCE] = records[to + CLOSE_SEQUENCE] as number;
}
