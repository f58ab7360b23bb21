import type { Column } from '../../../src/core/columns.ts';

export type Value = number | boolean | string | bigint | Uint8Array | null;

/** A value of a column in the plainest form: an enum's symbol, bytes as they are, a decimal as its unscaled integer. */
export function valueAt(column: Column | undefined, row: number): Value {
  if (column === undefined) {
    throw new Error('no such column');
  }
  if (column.nulls?.[row] === 1) {
    return null;
  }
  switch (column.kind) {
    case 'string':
      return Buffer.from(column.bytes.subarray(column.offsets[row], column.offsets[row + 1])).toString();
    case 'bytes':
      return new Uint8Array(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
    case 'decimal': {
      const hex = Buffer.from(column.bytes.subarray(row * 32, row * 32 + 32))
        .reverse()
        .toString('hex');
      return BigInt.asIntN(256, BigInt(`0x${hex}`));
    }
    case 'enum':
      return column.symbols[column.codes[row] ?? -1] ?? null;
    case 'boolean':
      return column.values[row] === 1;
    default:
      return column.values[row] ?? null;
  }
}
