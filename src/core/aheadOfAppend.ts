import { MICROS_PER_MS } from './time.ts';

/** A record that cannot be used, by its index in the chunk. */
export interface RefusedRecord {
  readonly index: number;
  readonly reason: string;
  /** In words. */
  readonly detail: string;
}

/** Which rows of decoded records are used, and which records are refused. */
export interface Selection {
  readonly kept: Int32Array;
  readonly refused: readonly RefusedRecord[];
}

/** When the records of decoded rows were appended. */
export interface AppendTimes {
  /** Of each record of the chunk, epoch milliseconds. */
  readonly appendMs: Float64Array;
  /** The record of each row; null where all records are rows. */
  readonly rows: Int32Array | null;
}

export interface AheadBound {
  readonly timeField: string;
  readonly maxAheadMs: number;
}

/**
 * Refuses the records whose event time is more than `maxAheadMs` past their own append time: their clock is wrong. It follows
 * from the record alone, so whoever reads it says the same. Null where there are none.
 */
export function splitAhead(
  timesMicros: Float64Array,
  { appendMs, rows }: AppendTimes,
  { timeField, maxAheadMs }: AheadBound,
): Selection | null {
  const kept = new Int32Array(timesMicros.length);
  const refused: RefusedRecord[] = [];
  let length = 0;
  for (let row = 0; row < timesMicros.length; row++) {
    const index = rows === null ? row : (rows[row] as number);
    const micros = timesMicros[row] as number;
    if (micros <= ((appendMs[index] as number) + maxAheadMs) * MICROS_PER_MS) kept[length++] = row;
    else {
      const detail = `${timeField} ${micros} is beyond append time plus ${maxAheadMs} ms`;
      refused.push({ index, reason: 'ahead', detail });
    }
  }
  return refused.length === 0 ? null : { kept: kept.subarray(0, length), refused };
}
