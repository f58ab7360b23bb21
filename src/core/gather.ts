import type { Column, Columns } from './columns.ts';
import { DECIMAL_BYTES } from './decimalBytes.ts';

/** The given rows of columns, in the order given, as columns of their own. */
export function gatherRows(columns: Columns, rows: Int32Array): Columns {
  const byName = new Map<string, Column>();
  for (const [name, column] of columns.byName) byName.set(name, gathered(column, rows));
  return { length: rows.length, byName };
}

/** `values[rows[i]]` for each i. */
export function gatherDoubles(values: Float64Array, rows: Int32Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = values[rows[i] as number] as number;
  return out;
}

/** `ids[rows[i]]` for each i. */
export function gatherIds(ids: Int32Array, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = ids[rows[i] as number] as number;
  return out;
}

function gathered(column: Column, rows: Int32Array): Column {
  const nulls = column.nulls === undefined ? {} : { nulls: gatherBytes(column.nulls, rows) };
  switch (column.kind) {
    case 'double':
    case 'long':
    case 'int':
      return { ...column, values: gatherDoubles(column.values, rows), ...nulls };
    case 'boolean':
      return { ...column, values: gatherBytes(column.values, rows), ...nulls };
    case 'enum':
      return { ...column, codes: gatherIds(column.codes, rows), ...nulls };
    case 'decimal':
      return { ...column, bytes: gatherFixed(column.bytes, rows), ...nulls };
    case 'string':
    case 'bytes':
      return { ...column, ...gatherBinary(column.bytes, column.offsets, rows), ...nulls };
  }
}

function gatherBytes(values: Uint8Array, rows: Int32Array): Uint8Array {
  const out = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = values[rows[i] as number] as number;
  return out;
}

function gatherFixed(bytes: Uint8Array, rows: Int32Array): Uint8Array {
  const out = new Uint8Array(rows.length * DECIMAL_BYTES);
  for (let i = 0; i < rows.length; i++) {
    const start = (rows[i] as number) * DECIMAL_BYTES;
    out.set(bytes.subarray(start, start + DECIMAL_BYTES), i * DECIMAL_BYTES);
  }
  return out;
}

function gatherBinary(
  bytes: Uint8Array,
  offsets: Int32Array,
  rows: Int32Array,
): { readonly bytes: Uint8Array; readonly offsets: Int32Array } {
  const ends = new Int32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    ends[i + 1] = (ends[i] as number) + (offsets[row + 1] as number) - (offsets[row] as number);
  }
  const out = new Uint8Array(ends[rows.length] as number);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    out.set(bytes.subarray(offsets[row] as number, offsets[row + 1] as number), ends[i] as number);
  }
  return { bytes: out, offsets: ends };
}
