import type { BinaryColumn, Column, DecimalColumn } from './columns.ts';
import { DECIMAL_BYTES, readDecimal } from './decimalBytes.ts';

export function isNull(column: Column, row: number): boolean {
  return column.nulls?.[row] === 1;
}

/** The text of a row of a string column; empty where it is null. */
export function textAt(column: BinaryColumn, row: number): string {
  const { bytes } = column;
  const start = column.offsets[row] as number;
  const end = column.offsets[row + 1] as number;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The bytes of a row, as a view into the column. */
export function bytesAt(column: BinaryColumn, row: number): Uint8Array {
  return column.bytes.subarray(column.offsets[row], column.offsets[row + 1]);
}

/** The unscaled value of a row of a decimal column: its value times 10^scale; 0 where it is null. */
export function decimalAt(column: DecimalColumn, row: number): bigint {
  return readDecimal(column.bytes, row * DECIMAL_BYTES);
}

/**
 * A decimal written plainly: no exponent, no trailing zeros, no point after a whole number.
 *
 * @example decimalText(-1500n, 3) // '-1.5'
 */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
