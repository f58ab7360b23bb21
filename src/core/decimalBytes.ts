/** Bytes of one decimal in a column: two's complement, little endian (Arrow's decimal256). */
export const DECIMAL_BYTES = 32;

const WORD_BITS = 64n;
const WORD_BYTES = 8;

/** The unscaled value at byte `start`. */
export function readDecimal(bytes: Uint8Array, start: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, DECIMAL_BYTES);
  let value = view.getBigInt64(3 * WORD_BYTES, true);
  for (let word = 2; word >= 0; word--) {
    value = (value << WORD_BITS) | view.getBigUint64(word * WORD_BYTES, true);
  }
  return value;
}

/** The unscaled value at byte `at` where a double holds it exactly, NaN where none does. */
export function readSafeDecimal(view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true);
  const sign = high >> 31;
  for (let byte = WORD_BYTES; byte < DECIMAL_BYTES; byte += 4) {
    if (view.getInt32(at + byte, true) !== sign) return Number.NaN;
  }
  const value = high * 2 ** 32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Writes an unscaled value, which must fit 256 bits, at byte `start`. */
export function writeDecimal(bytes: Uint8Array, start: number, unscaled: bigint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, DECIMAL_BYTES);
  let rest = unscaled;
  for (let word = 0; word < 4; word++) {
    view.setBigUint64(word * WORD_BYTES, BigInt.asUintN(64, rest), true);
    rest >>= WORD_BITS;
  }
}
