import { MAX_LONG_BYTES } from './writers.ts';

/**
 * Why the bytes of a value are not a record: cut short, overlong or malformed (body); a number that columns cannot hold
 * (range); a union's branch or an enum's symbol that the reader's schema has no place for (schema).
 */
export type Fault = 'body' | 'range' | 'schema';

/**
 * Reads Avro's binary encoding (Avro 1.12, "Binary encoding") within one value, and never outside it. A malformed value
 * does not throw, since poison may come by the million: the first fault is kept, the rest of the value is given up, and
 * every later read gives 0. Ask `complete` once at the end.
 */
export class Cursor {
  readonly data: Uint8Array;
  position = 0;
  end = 0;
  fault: Fault | null = null;
  readonly #view: DataView;

  /** @param data the buffer that the values lie in */
  constructor(data: Uint8Array) {
    this.data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  open(start: number, end: number): void {
    this.position = start;
    this.end = end;
    this.fault = null;
  }

  /** Whether all was well formed and nothing is left over. */
  complete(): boolean {
    if (this.fault === null && this.position !== this.end) {
      this.fault = 'body';
    }
    return this.fault === null;
  }

  fail(fault: Fault): 0 {
    this.fault ??= fault;
    this.position = this.end;
    return 0;
  }

  /** A long as a number; one beyond 2^53 is a fault of range. */
  long(): number {
    const { data, end } = this;
    let at = this.position;
    let byte = 0;
    let low = 0;
    let shift = 0;
    do {
      if (at >= end) return this.fail('body');
      byte = data[at++] as number;
      low |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte > 0x7f && shift < 28);
    if (byte <= 0x7f) {
      this.position = at;
      return (low >>> 1) ^ -(low & 1);
    }
    let middle = 0;
    shift = 0;
    do {
      if (at >= end) return this.fail('body');
      byte = data[at++] as number;
      middle |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte > 0x7f && shift < 28);
    this.position = at;
    if (byte > 0x7f && this.#highGroups() !== 0) {
      return this.fail('range');
    }
    const magnitude = (low >>> 1) + middle * 2 ** 27;
    const value = (low & 1) === 0 ? magnitude : -magnitude - 1;
    return Number.isSafeInteger(value) ? value : this.fail('range');
  }

  /** A long of milliseconds, as microseconds. */
  millisAsMicros(): number {
    const micros = this.long() * 1000;
    return Number.isSafeInteger(micros) ? micros : this.fail('range');
  }

  int(): number {
    const value = this.long();
    return (value | 0) === value ? value : this.fail('range');
  }

  float(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getFloat32(at, true);
  }

  double(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getFloat64(at, true);
  }

  boolean(): number {
    const at = this.#take(1);
    const value = at < 0 ? 0 : (this.data[at] as number);
    return value <= 1 ? value : this.fail('body');
  }

  /** The index of a union's branch or an enum's symbol. */
  index(count: number): number {
    const value = this.#short();
    return value >= 0 && value < count ? value : this.fail('body');
  }

  /** The length of a string or bytes value, all of which is there. */
  length(): number {
    const value = this.#short();
    return value >= 0 && value <= this.end - this.position ? value : this.fail('body');
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  /** Passes over a long of any size. */
  skipLong(): void {
    const { data, end } = this;
    const last = Math.min(end, this.position + MAX_LONG_BYTES);
    let at = this.position;
    while (at < last) {
      if ((data[at++] as number) <= 0x7f) {
        this.position = at;
        return;
      }
    }
    this.fail('body');
  }

  skipBytes(): void {
    const length = this.length();
    this.position += length;
  }

  /** A long that is mostly below 64: one byte. */
  #short(): number {
    const at = this.position;
    const byte = at < this.end ? (this.data[at] as number) : 0x80;
    if (byte > 0x7f) {
      return this.long();
    }
    this.position = at + 1;
    return (byte >>> 1) ^ -(byte & 1);
  }

  /** The ninth and tenth group of a long, in which no number below 2^53 has a bit. */
  #highGroups(): number {
    const ninth = this.#byte();
    if (ninth <= 0x7f) {
      return ninth;
    }
    const tenth = this.#byte();
    // Ten groups are 70 bits, of which a long has 64.
    return tenth <= 1 ? (ninth & 0x7f) | tenth : this.fail('body');
  }

  #byte(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.data[at] as number);
  }

  /** Where the next `bytes` bytes begin; -1 when they are not all there. */
  #take(bytes: number): number {
    const at = this.position;
    if (bytes > this.end - at) {
      this.fail('body');
      return -1;
    }
    this.position = at + bytes;
    return at;
  }
}
