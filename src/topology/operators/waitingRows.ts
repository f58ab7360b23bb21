import type { Columns } from '../../core/columns.ts';
import { gatherDoubles, gatherIds } from '../../core/gather.ts';
import { RowPool } from '../../core/rowPool.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { orderByTime } from '../../core/sortTimes.ts';

/** Rows of a pool with what they came with, all arrays of one length. */
export interface RowList {
  readonly slots: Int32Array;
  readonly timesMicros: Float64Array;
  readonly offsets: Float64Array;
  readonly arrivals: Float64Array;
  /** -1 where the stream has no key. */
  readonly keyIds: Int32Array;
}

/** Rows as plain data, without their slots. */
export interface SavedRows {
  readonly rows: Omit<RowList, 'slots'>;
  readonly columns: Columns;
}

/** Rows that wait for the watermark to pass their event time, in its order; equal times in the order of arrival. */
export class WaitingRows {
  readonly pool: RowPool;
  #waiting: RowList = NO_ROWS;

  constructor(fields: readonly FieldSchema[]) {
    this.pool = new RowPool(fields);
  }

  /** Rows that wait. */
  get length(): number {
    return this.#waiting.slots.length;
  }

  /** The event time of the first that waits; infinity without one. */
  get nextMicros(): number {
    return this.#waiting.timesMicros[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Rows that came after all those that wait. */
  add(columns: Columns, rows: Int32Array, came: Omit<RowList, 'slots'>): void {
    if (rows.length === 0) return;
    const unordered = { ...came, slots: this.pool.put(columns, rows) };
    this.#waiting = mergedByTime(this.#waiting, gathered(unordered, orderByTime(came.timesMicros)));
  }

  /** The rows at or before the watermark. Who takes them frees their slots. */
  release(watermark: number): RowList {
    const { timesMicros } = this.#waiting;
    let low = 0;
    let high = timesMicros.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timesMicros[middle] as number) <= watermark) low = middle + 1;
      else high = middle;
    }
    const released = sliced(this.#waiting, 0, low);
    this.#waiting = sliced(this.#waiting, low, timesMicros.length);
    return released;
  }

  /** Frees the slots of rows. */
  free({ slots }: RowList): void {
    for (let i = 0; i < slots.length; i++) this.pool.free(slots[i] as number);
  }

  snapshot(): SavedRows {
    return savedRows(this.pool, this.#waiting);
  }

  /** Takes the rows of a snapshot; gives them as they wait. */
  restore(saved: SavedRows): RowList {
    this.#waiting = restoredRows(this.pool, saved);
    return this.#waiting;
  }
}

export const NO_ROWS: RowList = {
  slots: new Int32Array(0),
  timesMicros: new Float64Array(0),
  offsets: new Float64Array(0),
  arrivals: new Float64Array(0),
  keyIds: new Int32Array(0),
};

export function savedRows(pool: RowPool, { slots, ...rows }: RowList): SavedRows {
  return { rows, columns: pool.gather(slots) };
}

export function restoredRows(pool: RowPool, { rows, columns }: SavedRows): RowList {
  return {
    ...rows,
    slots: pool.put(
      columns,
      Int32Array.from({ length: columns.length }, (_, row) => row),
    ),
  };
}

function gathered(list: RowList, order: Int32Array): RowList {
  return {
    slots: gatherIds(list.slots, order),
    timesMicros: gatherDoubles(list.timesMicros, order),
    offsets: gatherDoubles(list.offsets, order),
    arrivals: gatherDoubles(list.arrivals, order),
    keyIds: gatherIds(list.keyIds, order),
  };
}

function sliced(list: RowList, from: number, to: number): RowList {
  return {
    slots: list.slots.subarray(from, to),
    timesMicros: list.timesMicros.subarray(from, to),
    offsets: list.offsets.subarray(from, to),
    arrivals: list.arrivals.subarray(from, to),
    keyIds: list.keyIds.subarray(from, to),
  };
}

/** Two lists in the order of time as one; at equal times the first list's rows come first. */
function mergedByTime(first: RowList, second: RowList): RowList {
  const a = first.timesMicros;
  const b = second.timesMicros;
  if (a.length === 0) return second;
  const merged: RowList = {
    slots: new Int32Array(a.length + b.length),
    timesMicros: new Float64Array(a.length + b.length),
    offsets: new Float64Array(a.length + b.length),
    arrivals: new Float64Array(a.length + b.length),
    keyIds: new Int32Array(a.length + b.length),
  };
  let i = 0;
  let j = 0;
  for (let at = 0; at < merged.slots.length; at++) {
    const takeFirst = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    const from = takeFirst ? first : second;
    const row = takeFirst ? i++ : j++;
    merged.slots[at] = from.slots[row] as number;
    merged.timesMicros[at] = from.timesMicros[row] as number;
    merged.offsets[at] = from.offsets[row] as number;
    merged.arrivals[at] = from.arrivals[row] as number;
    merged.keyIds[at] = from.keyIds[row] as number;
  }
  return merged;
}
