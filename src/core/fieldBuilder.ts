import { TidemarkError } from '../errors.ts';
import { BINARY_BYTES_PER_ROW, copyBytes, enlarged, SHORT_BYTES } from './binaryBytes.ts';
import type { Column } from './columns.ts';
import { DECIMAL_BYTES, writeDecimal } from './decimalBytes.ts';
import type { FieldSchema } from './schema.ts';

const utf8 = new TextEncoder();

/** One growing column. Each kind takes the setters of its own kind of value and refuses the others. */
export abstract class FieldBuilder {
  protected readonly field: FieldSchema;
  #nulls: Uint8Array | null;

  constructor(field: FieldSchema, capacity: number) {
    this.field = field;
    this.#nulls = field.nullable ? new Uint8Array(capacity) : null;
  }

  get name(): string {
    return this.field.name;
  }

  setNumber(_row: number, _value: number): void {
    throw this.#mismatch('number, boolean or code');
  }

  setText(_row: number, _text: string): void {
    throw this.#mismatch('text');
  }

  setBytes(_row: number, _source: Uint8Array, _start: number, _end: number): void {
    throw this.#mismatch('bytes');
  }

  setDecimal(_row: number, _unscaled: bigint): void {
    throw this.#mismatch('decimal');
  }

  setDecimalBytes(_row: number, _source: Uint8Array, _start: number): void {
    throw this.#mismatch('decimal');
  }

  /** Ends a row whose value was set. */
  endValue(row: number): void {
    if (this.#nulls !== null) {
      this.#nulls[row] = 0;
    }
  }

  /** Ends a row without a value. @throws TM_ROW_INCOMPLETE */
  endNull(row: number): void {
    if (this.#nulls === null) {
      throw new TidemarkError('TM_ROW_INCOMPLETE', `Field '${this.field.name}' was not set, and it cannot be null.`, {
        hint: 'Set it in every row, or declare it as a union with null.',
      });
    }
    this.#nulls[row] = 1;
    this.clear(row);
  }

  grow(capacity: number): void {
    if (this.#nulls !== null) {
      this.#nulls = widened(this.#nulls, new Uint8Array(capacity));
    }
    this.growValues(capacity);
  }

  finish(length: number): Column {
    const column = this.finishValues(length);
    return this.#nulls === null ? column : { ...column, nulls: this.#nulls.subarray(0, length) };
  }

  /** Writes the value that stands under a null. */
  protected abstract clear(row: number): void;
  protected abstract growValues(capacity: number): void;
  protected abstract finishValues(length: number): Column;

  #mismatch(given: string): TidemarkError {
    return new TidemarkError(
      'TM_COLUMN_KIND',
      `Field '${this.field.name}' is of kind ${this.field.kind}; it takes no ${given}.`,
    );
  }
}

export function fieldBuilder(field: FieldSchema, capacity: number): FieldBuilder {
  switch (field.kind) {
    case 'string':
    case 'bytes':
      return new BinaryBuilder(field, field.kind, capacity);
    case 'decimal':
      return new DecimalBuilder(field, capacity);
    case 'boolean':
      return new ScalarBuilder(field, new Uint8Array(capacity), (values) => ({ kind: 'boolean', values }));
    case 'enum':
      return new ScalarBuilder(field, new Int32Array(capacity), (codes) => ({
        kind: 'enum',
        codes,
        symbols: field.symbols ?? [],
      }));
    case 'double':
    case 'long':
    case 'int': {
      const { kind } = field;
      return new ScalarBuilder(field, new Float64Array(capacity), (values) => ({ kind, values }));
    }
  }
}

type Scalars = Float64Array | Int32Array | Uint8Array;

/** Values of a fixed width that are one number each: numbers, booleans, codes of an enum. */
class ScalarBuilder<T extends Scalars> extends FieldBuilder {
  readonly #column: (values: T) => Column;
  #values: T;

  constructor(field: FieldSchema, values: T, column: (values: T) => Column) {
    super(field, values.length);
    this.#values = values;
    this.#column = column;
  }

  override setNumber(row: number, value: number): void {
    this.#values[row] = value;
  }

  protected clear(row: number): void {
    this.#values[row] = 0;
  }

  protected growValues(capacity: number): void {
    this.#values = widened(this.#values, new (this.#values.constructor as new (length: number) => T)(capacity));
  }

  protected finishValues(length: number): Column {
    return this.#column(this.#values.subarray(0, length) as T);
  }
}

class BinaryBuilder extends FieldBuilder {
  readonly #kind: 'string' | 'bytes';
  #bytes: Uint8Array;
  #offsets: Int32Array;

  constructor(field: FieldSchema, kind: 'string' | 'bytes', capacity: number) {
    super(field, capacity);
    this.#kind = kind;
    this.#bytes = new Uint8Array(capacity * BINARY_BYTES_PER_ROW);
    this.#offsets = new Int32Array(capacity + 1);
  }

  override setText(row: number, text: string): void {
    const start = this.#offsets[row] as number;
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.#reserve(start + text.length * 3);
    const bytes = this.#bytes;
    const ascii = text.length <= SHORT_BYTES ? writeAscii(bytes, start, text) : -1;
    this.#offsets[row + 1] = ascii >= 0 ? ascii : start + utf8.encodeInto(text, bytes.subarray(start)).written;
  }

  override setBytes(row: number, source: Uint8Array, from: number, to: number): void {
    const start = this.#offsets[row] as number;
    this.#reserve(start + to - from);
    copyBytes(source, from, to, this.#bytes, start);
    this.#offsets[row + 1] = start + to - from;
  }

  protected clear(row: number): void {
    this.#offsets[row + 1] = this.#offsets[row] as number;
  }

  protected growValues(capacity: number): void {
    this.#offsets = widened(this.#offsets, new Int32Array(capacity + 1));
  }

  protected finishValues(length: number): Column {
    const bytes = this.#bytes.subarray(0, this.#offsets[length] as number);
    return { kind: this.#kind, bytes, offsets: this.#offsets.subarray(0, length + 1) };
  }

  #reserve(bytes: number): void {
    if (bytes > this.#bytes.length) {
      this.#bytes = enlarged(this.#bytes, bytes, `Field '${this.field.name}'`);
    }
  }
}

class DecimalBuilder extends FieldBuilder {
  readonly #precision: number;
  readonly #scale: number;
  /** 10^precision: what the magnitude of an unscaled value stays below. */
  readonly #limit: bigint;
  #bytes: Uint8Array;

  constructor(field: FieldSchema, capacity: number) {
    super(field, capacity);
    this.#precision = field.precision ?? 0;
    this.#scale = field.scale ?? 0;
    this.#limit = 10n ** BigInt(this.#precision);
    this.#bytes = new Uint8Array(capacity * DECIMAL_BYTES);
  }

  override setDecimal(row: number, unscaled: bigint): void {
    if (unscaled >= this.#limit || unscaled <= -this.#limit) {
      throw new TidemarkError(
        'TM_VALUE_RANGE',
        `Field '${this.field.name}' holds ${this.#precision} digits; ${unscaled} has more.`,
      );
    }
    writeDecimal(this.#bytes, row * DECIMAL_BYTES, unscaled);
  }

  override setDecimalBytes(row: number, source: Uint8Array, start: number): void {
    copyBytes(source, start, start + DECIMAL_BYTES, this.#bytes, row * DECIMAL_BYTES);
  }

  protected clear(row: number): void {
    this.#bytes.fill(0, row * DECIMAL_BYTES, (row + 1) * DECIMAL_BYTES);
  }

  protected growValues(capacity: number): void {
    this.#bytes = widened(this.#bytes, new Uint8Array(capacity * DECIMAL_BYTES));
  }

  protected finishValues(length: number): Column {
    const bytes = this.#bytes.subarray(0, length * DECIMAL_BYTES);
    return { kind: 'decimal', precision: this.#precision, scale: this.#scale, bytes };
  }
}

function widened<T extends Scalars>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The position after the text, or -1 when it is not all ASCII. */
function writeAscii(bytes: Uint8Array, start: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) {
      return -1;
    }
    bytes[start + i] = unit;
  }
  return start + text.length;
}
