import {
  Binary,
  type Data,
  type DataType,
  Decimal,
  Dictionary,
  Float64,
  Int32,
  Int64,
  makeData,
  TimestampMicrosecond,
  Uint8,
  Utf8,
  Vector,
} from 'apache-arrow';
import type { BinaryColumn, Column } from '../../core/columns.ts';
import { KeyTable } from '../../core/keyTable.ts';

const WORD = 2 ** 32;
const DECIMAL_BYTES = 32;
const DECIMAL_BITS = 256;
const FIRST_CAPACITY = 1_024;

/**
 * Builds one Arrow column (https://arrow.apache.org/docs/format/Columnar.html) from the columns of many chunks. Nothing
 * is allocated per value; arrays grow by doubling.
 */
export abstract class ArrowColumn {
  protected length = 0;
  protected capacity = 0;
  #validity = new Uint8Array(0);
  #nullCount = 0;

  /** Takes over all `count` values of a column of one chunk. */
  append(column: Column, count: number): void {
    this.reserve(count);
    if (column.nulls !== undefined) this.#markNulls(column.nulls, count);
    this.write(column, count);
    this.length += count;
  }

  /** Bytes that the values take, nearly. */
  abstract get bytes(): number;
  abstract finish(): Data;
  protected abstract write(column: Column, count: number): void;
  protected abstract grow(capacity: number): void;

  protected reserve(count: number): void {
    if (this.length + count <= this.capacity) return;
    let capacity = Math.max(FIRST_CAPACITY, this.capacity);
    while (capacity < this.length + count) capacity *= 2;
    this.capacity = capacity;
    this.grow(capacity);
  }

  /** Length, and the validity bitmap when there are nulls. */
  protected get shape(): { length: number; nullCount: number; nullBitmap?: Uint8Array } {
    const { length } = this;
    if (this.#nullCount === 0) return { length, nullCount: 0 };
    const nullBitmap = new Uint8Array(Math.ceil(length / 8));
    for (let i = 0; i < length; i++) {
      // Rows after the last null's chunk have no entry yet: they are valid.
      if (this.#validity[i] !== 1) nullBitmap[i >> 3] = (nullBitmap[i >> 3] as number) | (1 << (i & 7));
    }
    return { length, nullCount: this.#nullCount, nullBitmap };
  }

  #markNulls(nulls: Uint8Array, count: number): void {
    if (this.#validity.length < this.capacity) this.#validity = extended(this.#validity, new Uint8Array(this.capacity));
    for (let i = 0; i < count; i++) {
      if (nulls[i] === 1) {
        this.#validity[this.length + i] = 1;
        this.#nullCount++;
      }
    }
  }
}

class DoubleColumn extends ArrowColumn {
  #values = new Float64Array(0);

  get bytes(): number {
    return this.length * 8;
  }

  finish(): Data {
    return makeData({ type: new Float64(), ...this.shape, data: this.#values.subarray(0, this.length) });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'double') throw kindError('double', column);
    this.#values.set(column.values.subarray(0, count), this.length);
  }

  protected grow(capacity: number): void {
    this.#values = extended(this.#values, new Float64Array(capacity));
  }
}

/** 64-bit integers from doubles, as two words each: a bigint a value would be an allocation a value. */
export class LongColumn extends ArrowColumn {
  #words = new Int32Array(0);
  readonly #isTime: boolean;
  readonly #shift: number;

  constructor(isTime: boolean, shift = 0) {
    super();
    this.#isTime = isTime;
    this.#shift = shift;
  }

  get bytes(): number {
    return this.length * 8;
  }

  appendValues(values: Float64Array, count: number): void {
    this.reserve(count);
    this.#writeValues(values, count);
    this.length += count;
  }

  finish(): Data {
    const data = new BigInt64Array(this.#words.buffer, 0, this.length);
    return this.#isTime
      ? makeData({ type: new TimestampMicrosecond('UTC'), ...this.shape, data })
      : makeData({ type: new Int64(), ...this.shape, data });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'long' && column.kind !== 'int') throw kindError('long', column);
    this.#writeValues(column.values, count);
  }

  protected grow(capacity: number): void {
    this.#words = extended(this.#words, new Int32Array(capacity * 2));
  }

  #writeValues(values: Float64Array, count: number): void {
    let at = this.length * 2;
    for (let i = 0; i < count; i++) {
      const value = (values[i] as number) + this.#shift;
      const high = Math.floor(value / WORD);
      this.#words[at++] = value - high * WORD;
      this.#words[at++] = high;
    }
  }
}

export class IntColumn extends ArrowColumn {
  #values = new Int32Array(0);

  get bytes(): number {
    return this.length * 4;
  }

  appendConstant(value: number, count: number): void {
    this.reserve(count);
    this.#values.fill(value, this.length, this.length + count);
    this.length += count;
  }

  finish(): Data {
    return makeData({ type: new Int32(), ...this.shape, data: this.#values.subarray(0, this.length) });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'int') throw kindError('int', column);
    this.#values.set(column.values.subarray(0, count), this.length);
  }

  protected grow(capacity: number): void {
    this.#values = extended(this.#values, new Int32Array(capacity));
  }
}

class FlagColumn extends ArrowColumn {
  #values = new Uint8Array(0);

  get bytes(): number {
    return this.length;
  }

  finish(): Data {
    return makeData({ type: new Uint8(), ...this.shape, data: this.#values.subarray(0, this.length) });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'boolean') throw kindError('boolean', column);
    this.#values.set(column.values.subarray(0, count), this.length);
  }

  protected grow(capacity: number): void {
    this.#values = extended(this.#values, new Uint8Array(capacity));
  }
}

class DecimalArrowColumn extends ArrowColumn {
  #bytes = new Uint8Array(0);
  readonly #precision: number;
  readonly #scale: number;

  constructor(precision: number, scale: number) {
    super();
    this.#precision = precision;
    this.#scale = scale;
  }

  get bytes(): number {
    return this.length * DECIMAL_BYTES;
  }

  finish(): Data {
    const data = new Uint32Array(this.#bytes.buffer, 0, (this.length * DECIMAL_BYTES) / 4);
    return makeData({ type: new Decimal(this.#scale, this.#precision, DECIMAL_BITS), ...this.shape, data });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'decimal') throw kindError('decimal', column);
    this.#bytes.set(column.bytes.subarray(0, count * DECIMAL_BYTES), this.length * DECIMAL_BYTES);
  }

  protected grow(capacity: number): void {
    this.#bytes = extended(this.#bytes, new Uint8Array(capacity * DECIMAL_BYTES));
  }
}

class BytesColumn extends ArrowColumn {
  #data = new Uint8Array(0);
  #offsets = new Int32Array(1);
  readonly #isText: boolean;

  constructor(isText: boolean) {
    super();
    this.#isText = isText;
  }

  get bytes(): number {
    return (this.#offsets[this.length] as number) + this.length * 4;
  }

  finish(): Data {
    const end = this.#offsets[this.length] as number;
    const parts = {
      ...this.shape,
      valueOffsets: this.#offsets.subarray(0, this.length + 1),
      data: this.#data.subarray(0, end),
    };
    return this.#isText ? makeData({ type: new Utf8(), ...parts }) : makeData({ type: new Binary(), ...parts });
  }

  protected write(column: Column, count: number): void {
    if (column.kind !== 'string' && column.kind !== 'bytes') throw kindError('string', column);
    const from = column.offsets[0] as number;
    const to = column.offsets[count] as number;
    const start = this.#offsets[this.length] as number;
    if (start + to - from > this.#data.length) {
      this.#data = extended(this.#data, new Uint8Array(Math.max(FIRST_CAPACITY, 2 * (start + to - from))));
    }
    this.#data.set(column.bytes.subarray(from, to), start);
    const shift = start - from;
    for (let i = 1; i <= count; i++) this.#offsets[this.length + i] = (column.offsets[i] as number) + shift;
  }

  protected grow(capacity: number): void {
    this.#offsets = extended(this.#offsets, new Int32Array(capacity + 1));
  }
}

/** Text of few distinct values: a code a row and each text once, which ClickHouse takes more than twice as fast. */
export class DictionaryColumn extends ArrowColumn {
  #codes = new Int32Array(0);
  readonly #texts = new KeyTable();

  get bytes(): number {
    return this.length * 4;
  }

  appendText(text: string, count: number): void {
    this.reserve(count);
    const bytes = Buffer.from(text);
    this.#codes.fill(this.#texts.intern(bytes, 0, bytes.length), this.length, this.length + count);
    this.length += count;
  }

  finish(): Data {
    const count = Math.max(1, this.#texts.size);
    const texts = Array.from({ length: this.#texts.size }, (_, id) => this.#texts.bytesOf(id));
    const valueOffsets = new Int32Array(count + 1);
    texts.forEach((text, id) => {
      valueOffsets[id + 1] = (valueOffsets[id] as number) + text.length;
    });
    const dictionary = new Vector([
      makeData({ type: new Utf8(), length: count, nullCount: 0, valueOffsets, data: Buffer.concat(texts) }),
    ]);
    const type: Dictionary<DataType, Int32> = new Dictionary(new Utf8(), new Int32());
    return makeData({ type, ...this.shape, data: this.#codes.subarray(0, this.length), dictionary });
  }

  protected write(column: Column, count: number): void {
    if (column.kind === 'enum') this.#writeEnum(column.codes, column.symbols, count);
    else if (column.kind === 'string') this.#writeTexts(column, count);
    else throw kindError('string', column);
  }

  protected grow(capacity: number): void {
    this.#codes = extended(this.#codes, new Int32Array(capacity));
  }

  #writeEnum(codes: Int32Array, symbols: readonly string[], count: number): void {
    const own = symbols.map((symbol) => this.#intern(Buffer.from(symbol)));
    for (let i = 0; i < count; i++) this.#codes[this.length + i] = own[codes[i] as number] ?? 0;
  }

  #writeTexts({ bytes, offsets }: BinaryColumn, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#codes[this.length + i] = this.#texts.intern(bytes, offsets[i] as number, offsets[i + 1] as number);
    }
  }

  #intern(bytes: Uint8Array): number {
    return this.#texts.intern(bytes, 0, bytes.length);
  }
}

/** The Arrow column for a field's kind of column. */
export function arrowColumnFor(
  field: { kind: Column['kind']; logical?: 'timestamp-micros'; precision?: number; scale?: number },
  dictionary: boolean,
): ArrowColumn {
  if (dictionary || field.kind === 'enum') return new DictionaryColumn();
  switch (field.kind) {
    case 'double':
      return new DoubleColumn();
    case 'long':
      return new LongColumn(field.logical === 'timestamp-micros');
    case 'int':
      return new IntColumn();
    case 'boolean':
      return new FlagColumn();
    case 'decimal':
      return new DecimalArrowColumn(field.precision ?? 76, field.scale ?? 0);
    case 'string':
      return new BytesColumn(true);
    case 'bytes':
      return new BytesColumn(false);
  }
}

function kindError(wanted: string, column: Column): TypeError {
  return new TypeError(`a ${column.kind} column where ${wanted} was declared`);
}

function extended<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
