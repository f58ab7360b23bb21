/** Zigzag varints as in Protocol Buffers, which Kafka's records use for lengths and deltas. */

const HIGH_BIT = 0x80;
const LOW_BITS = 0x7f;
/** Bytes of the longest 32-bit varint, and of the longest 64-bit one. */
const MAX_INT_BYTES = 5;
const MAX_LONG_BYTES = 10;
/** A long is read in two parts, since bit operations hold 32 bits: four bytes of seven bits, then the rest as doubles. */
const LOW_PART_BYTES = 4;
const TWO_TO_27 = 2 ** 27;

/** How many bytes the varint of a signed 32-bit integer takes. */
export function varintBytes(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 7;
  let bytes = 1;
  for (; rest !== 0; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Writes a signed 32-bit integer at `at`; the position after it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let next = at;
  for (; rest >= HIGH_BIT; rest >>>= 7) target[next++] = (rest & LOW_BITS) | HIGH_BIT;
  target[next++] = rest;
  return next;
}

/**
 * Reads varints in sequence. It never throws: a read past the end gives zeros and leaves `at` past the end, and one too
 * long sets `malformed`; the caller checks both once a record.
 */
export class VarintReader {
  at = 0;
  malformed = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A signed 32-bit integer. */
  int(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++] as number;
    let raw = byte & LOW_BITS;
    for (let i = 1; (byte & HIGH_BIT) !== 0; i++) {
      if (i === MAX_INT_BYTES) {
        this.malformed = true;
        return 0;
      }
      byte = bytes[this.at++] as number;
      raw |= (byte & LOW_BITS) << (7 * i);
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A signed 64-bit integer, exact to ±2^53; beyond, the nearest double. */
  long(): number {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    let highUnit = 1;
    for (let i = 0; i < MAX_LONG_BYTES; i++) {
      const byte = bytes[this.at++] as number;
      if (i < LOW_PART_BYTES) {
        low |= (byte & LOW_BITS) << (7 * i);
      } else {
        high += (byte & LOW_BITS) * highUnit;
        highUnit *= HIGH_BIT;
      }
      if ((byte & HIGH_BIT) === 0) {
        const half = (low >>> 1) + high * TWO_TO_27;
        return (low & 1) === 0 ? half : -half - 1;
      }
    }
    this.malformed = true;
    return 0;
  }
}
