import { isUtf8 } from 'node:buffer';
import { BINARY_BYTES_PER_ROW, enlarged, SHORT_BYTES } from '../binaryBytes.ts';
import type { Column } from '../columns.ts';
import { DECIMAL_BYTES, readDecimal } from '../decimalBytes.ts';
import type { FieldSchema } from '../schema.ts';
import type { Cursor } from './cursor.ts';

/**
 * A column that is being decoded into, with room for a whole chunk. The generated code writes scalars and null flags
 * itself and hands text and decimals on. A row that turns out malformed is written over by the next.
 */
export type Target = ScalarTarget | BinaryTarget | DecimalTarget;

export function targetOf(field: FieldSchema, capacity: number): Target {
  const nulls = field.nullable ? new Uint8Array(capacity) : null;
  switch (field.kind) {
    case 'string':
    case 'bytes':
      return new BinaryTarget(field.name, field.kind, nulls, capacity);
    case 'decimal':
      return new DecimalTarget(field, nulls, capacity);
    default:
      return new ScalarTarget(field, field.kind, nulls, capacity);
  }
}

type ScalarKind = Exclude<FieldSchema['kind'], 'string' | 'bytes' | 'decimal'>;

class ScalarTarget {
  readonly name: string;
  readonly values: Float64Array | Int32Array | Uint8Array;
  readonly nulls: Uint8Array | null;
  readonly #finish: (length: number) => Column;

  constructor(field: FieldSchema, kind: ScalarKind, nulls: Uint8Array | null, capacity: number) {
    this.name = field.name;
    this.nulls = nulls;
    if (kind === 'boolean') {
      const values = new Uint8Array(capacity);
      this.values = values;
      this.#finish = (length) => ({ kind, values: values.subarray(0, length) });
    } else if (kind === 'enum') {
      const codes = new Int32Array(capacity);
      this.values = codes;
      this.#finish = (length) => ({ kind, codes: codes.subarray(0, length), symbols: field.symbols ?? [] });
    } else {
      const values = new Float64Array(capacity);
      this.values = values;
      this.#finish = (length) => ({ kind, values: values.subarray(0, length) });
    }
  }

  finish(length: number): Column {
    return withNulls(this.#finish(length), this.nulls, length);
  }
}

class BinaryTarget {
  readonly name: string;
  readonly nulls: Uint8Array | null;
  readonly #kind: 'string' | 'bytes';
  readonly #offsets: Int32Array;
  #bytes: Uint8Array;

  constructor(name: string, kind: 'string' | 'bytes', nulls: Uint8Array | null, capacity: number) {
    this.name = name;
    this.nulls = nulls;
    this.#kind = kind;
    this.#offsets = new Int32Array(capacity + 1);
    this.#bytes = new Uint8Array(capacity * BINARY_BYTES_PER_ROW);
  }

  /** Reads a string, or bytes that become one: what is not UTF-8 is malformed. */
  readText(cursor: Cursor, row: number): void {
    const length = cursor.length();
    const ascii = this.#append(cursor.data, cursor.position, length, row);
    const start = this.#offsets[row] as number;
    if (!ascii && !isUtf8(this.#bytes.subarray(start, start + length))) {
      cursor.fail('body');
      return;
    }
    cursor.position += length;
  }

  readBytes(cursor: Cursor, row: number): void {
    const length = cursor.length();
    this.#append(cursor.data, cursor.position, length, row);
    cursor.position += length;
  }

  put(value: Uint8Array, row: number): void {
    this.#append(value, 0, value.length, row);
  }

  putNull(row: number): void {
    this.#offsets[row + 1] = this.#offsets[row] as number;
  }

  finish(length: number): Column {
    const offsets = this.#offsets.subarray(0, length + 1);
    const bytes = this.#bytes.subarray(0, offsets[length] as number);
    return withNulls({ kind: this.#kind, bytes, offsets }, this.nulls, length);
  }

  /** Copies a value into its row; true when it was seen on the way that all bytes are ASCII. */
  #append(source: Uint8Array, from: number, length: number, row: number): boolean {
    const start = this.#offsets[row] as number;
    const end = start + length;
    this.#offsets[row + 1] = end;
    if (end > this.#bytes.length) {
      this.#bytes = enlarged(this.#bytes, end, `Field '${this.name}'`);
    }
    const bytes = this.#bytes;
    if (length > SHORT_BYTES) {
      bytes.set(source.subarray(from, from + length), start);
      return false;
    }
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = source[from + i] as number;
      bytes[start + i] = byte;
      all |= byte;
    }
    return all < 0x80;
  }
}

class DecimalTarget {
  readonly name: string;
  readonly nulls: Uint8Array | null;
  readonly #precision: number;
  readonly #scale: number;
  /** 10^precision: what a magnitude stays below. */
  readonly #limit: bigint;
  /** Two's complement of so many bytes is below the limit in any case. */
  readonly #safeBytes: number;
  readonly #bytes: Uint8Array;

  constructor(field: FieldSchema, nulls: Uint8Array | null, capacity: number) {
    this.name = field.name;
    this.nulls = nulls;
    this.#precision = field.precision ?? 0;
    this.#scale = field.scale ?? 0;
    this.#limit = 10n ** BigInt(this.#precision);
    this.#safeBytes = Math.floor((this.#precision * Math.log2(10) + 1) / 8);
    this.#bytes = new Uint8Array(capacity * DECIMAL_BYTES);
  }

  /** Reads Avro's decimal: two's complement, big endian, of any length that its digits fit. */
  read(cursor: Cursor, row: number): void {
    const length = cursor.length();
    const first = cursor.position;
    if (length === 0) {
      cursor.fail('body');
      return;
    }
    cursor.position += length;
    const sign = (cursor.data[first] as number) >> 7 === 1 ? 0xff : 0;
    for (let i = first; i < cursor.position - DECIMAL_BYTES; i++) {
      if (cursor.data[i] !== sign) {
        cursor.fail('range');
        return;
      }
    }
    const bytes = this.#bytes;
    const start = row * DECIMAL_BYTES;
    let from = cursor.position;
    for (let to = start; to < start + DECIMAL_BYTES; to++) {
      bytes[to] = --from >= first ? (cursor.data[from] as number) : sign;
    }
    if (length > this.#safeBytes && !this.#inRange(start, sign)) {
      cursor.fail('range');
    }
  }

  put(value: Uint8Array, row: number): void {
    this.#bytes.set(value, row * DECIMAL_BYTES);
  }

  putNull(row: number): void {
    this.#bytes.fill(0, row * DECIMAL_BYTES, (row + 1) * DECIMAL_BYTES);
  }

  finish(length: number): Column {
    const bytes = this.#bytes.subarray(0, length * DECIMAL_BYTES);
    const column = { kind: 'decimal', precision: this.#precision, scale: this.#scale, bytes } as const;
    return withNulls(column, this.nulls, length);
  }

  #inRange(start: number, sign: number): boolean {
    const value = readDecimal(this.#bytes, start);
    // A sign that does not survive means that a 33rd byte was more than filler.
    return value < 0n === (sign === 0xff) && value < this.#limit && value > -this.#limit;
  }
}

function withNulls(column: Column, nulls: Uint8Array | null, length: number): Column {
  return nulls === null ? column : { ...column, nulls: nulls.subarray(0, length) };
}
