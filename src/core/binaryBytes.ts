import { TidemarkError } from '../errors.ts';

/** Arrow's offsets are signed 32-bit: a column of text or bytes holds no more. */
const MAX_BINARY_BYTES = 2 ** 31 - 1;

/** Room for text at first; it doubles when that is short. */
export const BINARY_BYTES_PER_ROW = 16;

/** Up to this length, going byte by byte is quicker than a call that copies. */
export const SHORT_BYTES = 32;

/** Copies `source[from, to)` to `at`. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > SHORT_BYTES) {
    target.set(source.subarray(from, to), at);
    return;
  }
  for (let i = from, j = at; i < to; i++, j++) {
    target[j] = source[i] as number;
  }
}

/**
 * The same bytes with room for at least `needed`, and to spare.
 * @param what names them in the error
 * @throws TM_COLUMN_FULL past 2 GiB
 */
export function enlarged(bytes: Uint8Array, needed: number, what: string): Uint8Array {
  if (needed > MAX_BINARY_BYTES) {
    throw new TidemarkError('TM_COLUMN_FULL', `${what} would pass ${MAX_BINARY_BYTES} bytes.`, {
      hint: 'Take fewer rows at a time.',
    });
  }
  const larger = new Uint8Array(Math.min(MAX_BINARY_BYTES, Math.max(needed, bytes.length * 2)));
  larger.set(bytes);
  return larger;
}
