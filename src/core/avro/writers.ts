import { copyBytes } from '../binaryBytes.ts';
import { DECIMAL_BYTES } from '../decimalBytes.ts';

/** Bytes of the longest encoded long. */
export const MAX_LONG_BYTES = 10;

const TWO_32 = 2 ** 32;

/**
 * Writes a safe integer as an Avro long at `position`, where `MAX_LONG_BYTES` are free; returns the position after it.
 * Zig-zag, then base 128, low group first (Avro 1.12, "Binary encoding"). Longs are JavaScript numbers, exact to 2^53;
 * beyond 32 bits they are split by arithmetic, since the bit operators cut to 32.
 */
export function writeLong(out: Uint8Array, position: number, value: number): number {
  return (value | 0) === value ? writeSmall(out, position, value) : writeLarge(out, position, value);
}

function writeSmall(out: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = (value << 1) ^ (value >> 31);
  while ((rest & ~0x7f) !== 0) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

function writeLarge(out: Uint8Array, position: number, value: number): number {
  let at = position;
  // Zig-zag is 2m + s, one bit too wide for a double, so the sign bit goes straight into the first group.
  const sign = value < 0 ? 1 : 0;
  const magnitude = sign === 1 ? -value - 1 : value;
  const low = magnitude >>> 0;
  const high = (magnitude - low) / TWO_32;
  out[at++] = ((low << 1) & 0x7e) | sign | 0x80;
  // What is left is at least 2^25, so four more groups follow.
  const middle = (low >>> 6) | (high << 26);
  let rest = (middle >>> 28) | ((high >>> 6) << 4);
  out[at++] = (middle & 0x7f) | 0x80;
  out[at++] = ((middle >>> 7) & 0x7f) | 0x80;
  out[at++] = ((middle >>> 14) & 0x7f) | 0x80;
  out[at++] = ((middle >>> 21) & 0x7f) | (rest === 0 ? 0 : 0x80);
  while (rest !== 0) {
    out[at++] = (rest & 0x7f) | (rest > 0x7f ? 0x80 : 0);
    rest >>>= 7;
  }
  return at;
}

/** Writes the length and bytes of a string or bytes value; returns the position after it. */
export function writeBytes(out: Uint8Array, position: number, source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const at = writeLong(out, position, length);
  copyBytes(source, start, end, out, at);
  return at + length;
}

/**
 * Writes a decimal of 32 bytes (two's complement, little endian) as Avro has it: length, then the fewest bytes of two's
 * complement, big endian. Returns the position after it.
 */
export function writeDecimal(out: Uint8Array, position: number, source: Uint8Array, start: number): number {
  let top = start + DECIMAL_BYTES - 1;
  const sign = (source[top] as number) >> 7;
  const filler = sign === 1 ? 0xff : 0;
  // A filler byte may go while the byte below it still shows the sign.
  while (top > start && source[top] === filler && (source[top - 1] as number) >> 7 === sign) {
    top--;
  }
  let at = writeLong(out, position, top - start + 1);
  for (let i = top; i >= start; i--) {
    out[at++] = source[i] as number;
  }
  return at;
}
