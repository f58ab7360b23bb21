import type { Column, Columns } from '../core/columns.ts';
import { DECIMAL_BYTES } from '../core/decimalBytes.ts';
import type { Chunk } from './elements.ts';

/** The records of a chunk as it came from its input, from an index up to, not with, another. The arrays are shared. */
export function chunkSlice(chunk: Chunk, from: number, to: number, arrivals: Float64Array): Chunk {
  return {
    ...chunk,
    columns: columnsSlice(chunk.columns, from, to),
    offsets: chunk.offsets.subarray(from, to),
    arrivals,
    timesMicros: chunk.timesMicros.subarray(from, to),
  };
}

function columnsSlice({ length, byName }: Columns, from: number, to: number): Columns {
  if (from === 0 && to === length) return { length, byName };
  return {
    length: to - from,
    byName: new Map(Array.from(byName, ([name, column]) => [name, columnSlice(column, from, to)])),
  };
}

function columnSlice(column: Column, from: number, to: number): Column {
  const nulls = column.nulls === undefined ? {} : { nulls: column.nulls.subarray(from, to) };
  switch (column.kind) {
    case 'double':
    case 'long':
    case 'int':
      return { ...column, values: column.values.subarray(from, to), ...nulls };
    case 'boolean':
      return { ...column, values: column.values.subarray(from, to), ...nulls };
    case 'enum':
      return { ...column, codes: column.codes.subarray(from, to), ...nulls };
    case 'decimal':
      return { ...column, bytes: column.bytes.subarray(from * DECIMAL_BYTES, to * DECIMAL_BYTES), ...nulls };
    case 'string':
    case 'bytes':
      return { ...column, offsets: column.offsets.subarray(from, to + 1), ...nulls };
  }
}
