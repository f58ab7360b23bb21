import type { Columns } from './columns.ts';

/** Event times `[fromMicros, toMicros)`. */
export interface TimeRange {
  readonly fromMicros: number;
  readonly toMicros: number;
}

export const ALL_TIME: TimeRange = { fromMicros: Number.NEGATIVE_INFINITY, toMicros: Number.POSITIVE_INFINITY };

/** Rows of results whose windows share an instant with the range. */
export function windowsWithin(range: TimeRange, results: Columns): Int32Array {
  const isWithin = windowTest(results);
  return rowsWhere(results.length, (row) => isWithin(range, row));
}

/** Rows of results whose windows share an instant with none of the ranges. */
export function windowsOutside(ranges: readonly TimeRange[], results: Columns): Int32Array {
  const isWithin = windowTest(results);
  return rowsWhere(results.length, (row) => !ranges.some((range) => isWithin(range, row)));
}

/** Indexes of the first `count` times that lie in the range. */
export function timesWithin(range: TimeRange, timesMicros: Float64Array, count: number): Int32Array {
  return rowsWhere(count, (row) => isTimeWithin(range, timesMicros[row] as number));
}

/** Indexes of the times that lie in none of the ranges. */
export function timesOutside(ranges: readonly TimeRange[], timesMicros: Float64Array): Int32Array {
  return rowsWhere(
    timesMicros.length,
    (row) => !ranges.some((range) => isTimeWithin(range, timesMicros[row] as number)),
  );
}

/** @throws RangeError when the records have no such timestamp */
export function timesOf(columns: Columns, field: string): Float64Array {
  const column = columns.byName.get(field);
  if (column?.kind !== 'long') throw new RangeError(`decoded records have no timestamp '${field}'`);
  return column.values;
}

function windowTest(results: Columns): (range: TimeRange, row: number) => boolean {
  const starts = timesOf(results, 'start');
  const ends = timesOf(results, 'end');
  return ({ fromMicros, toMicros }, row) => (starts[row] as number) < toMicros && (ends[row] as number) > fromMicros;
}

function isTimeWithin({ fromMicros, toMicros }: TimeRange, micros: number): boolean {
  return micros >= fromMicros && micros < toMicros;
}

function rowsWhere(count: number, isWanted: (row: number) => boolean): Int32Array {
  const rows = new Int32Array(count);
  let found = 0;
  for (let row = 0; row < count; row++) if (isWanted(row)) rows[found++] = row;
  return rows.subarray(0, found);
}
