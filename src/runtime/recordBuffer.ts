import type { RecordBytes } from '../log/log.ts';

const INITIAL_BYTES = 16 * 1024;
const INITIAL_RECORDS = 256;

/** Key and value bytes of records, gathered until a commit takes them. */
export class RecordBuffer {
  #keys = new Uint8Array(INITIAL_BYTES);
  #values = new Uint8Array(INITIAL_BYTES);
  #keyOffsets = new Int32Array(INITIAL_RECORDS + 1);
  #valueOffsets = new Int32Array(INITIAL_RECORDS + 1);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of keys and values gathered. */
  get bytes(): number {
    return (this.#keyOffsets[this.#count] as number) + (this.#valueOffsets[this.#count] as number);
  }

  add(key: Uint8Array, values: Uint8Array, valueStart: number, valueEnd: number): void {
    const keyStart = this.#keyOffsets[this.#count] as number;
    const start = this.#valueOffsets[this.#count] as number;
    const keyEnd = keyStart + key.length;
    const end = start + valueEnd - valueStart;
    if (keyEnd > this.#keys.length) this.#keys = grown(this.#keys, keyEnd);
    if (end > this.#values.length) this.#values = grown(this.#values, end);
    if (this.#count + 2 > this.#keyOffsets.length) {
      this.#keyOffsets = grownOffsets(this.#keyOffsets);
      this.#valueOffsets = grownOffsets(this.#valueOffsets);
    }
    this.#keys.set(key, keyStart);
    this.#values.set(values.subarray(valueStart, valueEnd), start);
    this.#count++;
    this.#keyOffsets[this.#count] = keyEnd;
    this.#valueOffsets[this.#count] = end;
  }

  /** What was gathered; valid until the next `add`. The buffer is empty afterwards. */
  take(): RecordBytes {
    const count = this.#count;
    this.#count = 0;
    return {
      count,
      keys: this.#keys.subarray(0, this.#keyOffsets[count]),
      keyOffsets: this.#keyOffsets.subarray(0, count + 1),
      values: this.#values.subarray(0, this.#valueOffsets[count]),
      valueOffsets: this.#valueOffsets.subarray(0, count + 1),
    };
  }
}

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2));
  larger.set(bytes);
  return larger;
}

function grownOffsets(offsets: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(offsets.length * 2);
  larger.set(offsets);
  return larger;
}
