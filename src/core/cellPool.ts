import { copyBytes, enlarged } from './binaryBytes.ts';
import type { BinaryColumn, Column } from './columns.ts';
import { DECIMAL_BYTES } from './decimalBytes.ts';
import type { FieldSchema } from './schema.ts';

/** The values of one field of a row pool, by slot. */
export interface CellPool {
  /** Copies the values of `rows[i]` to `slots[i]`, which are below the capacity. */
  put(column: Column, rows: Int32Array, slots: Int32Array): void;
  /** A slot of -1 gives a null. */
  gather(slots: Int32Array): Column;
  grow(capacity: number): void;
}

export function cellPool(field: FieldSchema, capacity: number): CellPool {
  return field.nullable ? new NullableCells(field, capacity) : filledCells(field, capacity);
}

function filledCells(field: FieldSchema, capacity: number): CellPool {
  switch (field.kind) {
    case 'string':
    case 'bytes':
      return new BinaryCells(field, field.kind, capacity);
    case 'decimal': {
      const { precision = 0, scale = 0 } = field;
      return new DecimalCells(field, capacity, precision, scale);
    }
    case 'enum':
      return new ScalarCells(
        field,
        capacity,
        (length) => new Int32Array(length),
        (codes) => ({ kind: 'enum', codes, symbols: field.symbols ?? [] }),
      );
    case 'boolean':
      return new ScalarCells(
        field,
        capacity,
        (length) => new Uint8Array(length),
        (values) => ({ kind: 'boolean', values }),
      );
    default: {
      const { kind } = field;
      return new ScalarCells(
        field,
        capacity,
        (length) => new Float64Array(length),
        (values) => ({ kind, values }),
      );
    }
  }
}

/** Cells of a field that can be null. Many are in all rows of a topic: then there is nothing to copy. */
class NullableCells implements CellPool {
  readonly #field: FieldSchema;
  #capacity: number;
  /** Made when the first value comes that is not null. */
  #filled: CellPool | null = null;

  constructor(field: FieldSchema, capacity: number) {
    this.#field = field;
    this.#capacity = capacity;
  }

  put(column: Column, rows: Int32Array, slots: Int32Array): void {
    if (this.#filled === null && isNullIn(column, rows)) return;
    this.#filled ??= filledCells(this.#field, this.#capacity);
    this.#filled.put(column, rows, slots);
  }

  gather(slots: Int32Array): Column {
    return this.#filled?.gather(slots) ?? filledCells(this.#field, 0).gather(new Int32Array(slots.length).fill(-1));
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    this.#filled?.grow(capacity);
  }
}

function isNullIn({ nulls }: Column, rows: Int32Array): boolean {
  if (nulls === undefined) return rows.length === 0;
  for (let i = 0; i < rows.length; i++) if (nulls[rows[i] as number] === 0) return false;
  return true;
}

/** Which values are null: kept where the field can be null. */
class Nulls {
  #bits: Uint8Array | null;

  constructor({ nullable }: FieldSchema, capacity: number) {
    // Rows that came before there were cells have null.
    this.#bits = nullable ? new Uint8Array(capacity).fill(1) : null;
  }

  put(nulls: Uint8Array | undefined, rows: Int32Array, slots: Int32Array): void {
    const bits = this.#bits;
    if (bits === null) return;
    if (nulls === undefined) for (let i = 0; i < slots.length; i++) bits[slots[i] as number] = 0;
    else for (let i = 0; i < slots.length; i++) bits[slots[i] as number] = nulls[rows[i] as number] as number;
  }

  gather(slots: Int32Array): { readonly nulls?: Uint8Array } {
    const bits = this.#bits;
    if (bits === null) return {};
    const nulls = new Uint8Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      nulls[i] = slot < 0 ? 1 : (bits[slot] as number);
    }
    return { nulls };
  }

  grow(capacity: number): void {
    if (this.#bits === null) return;
    const larger = new Uint8Array(capacity);
    larger.set(this.#bits);
    this.#bits = larger;
  }
}

type Scalars = Float64Array | Int32Array | Uint8Array;

/** Values of one number each. */
class ScalarCells<T extends Scalars> implements CellPool {
  readonly #nulls: Nulls;
  readonly #allocate: (length: number) => T;
  readonly #column: (values: T) => Column;
  #values: T;

  constructor(field: FieldSchema, capacity: number, allocate: (length: number) => T, column: (values: T) => Column) {
    this.#nulls = new Nulls(field, capacity);
    this.#allocate = allocate;
    this.#column = column;
    this.#values = allocate(capacity);
  }

  put(column: Column, rows: Int32Array, slots: Int32Array): void {
    const from = scalarsOf(column);
    const values = this.#values;
    for (let i = 0; i < slots.length; i++) values[slots[i] as number] = from[rows[i] as number] as number;
    this.#nulls.put(column.nulls, rows, slots);
  }

  gather(slots: Int32Array): Column {
    const values = this.#values;
    const out = this.#allocate(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      out[i] = slot < 0 ? 0 : (values[slot] as number);
    }
    return { ...this.#column(out), ...this.#nulls.gather(slots) };
  }

  grow(capacity: number): void {
    const larger = this.#allocate(capacity);
    larger.set(this.#values);
    this.#values = larger;
    this.#nulls.grow(capacity);
  }
}

function scalarsOf(column: Column): Scalars {
  if ('values' in column) return column.values;
  if (column.kind === 'enum') return column.codes;
  throw new RangeError(`a column of kind ${column.kind} holds no numbers`);
}

class DecimalCells implements CellPool {
  readonly #nulls: Nulls;
  readonly #precision: number;
  readonly #scale: number;
  #bytes: Uint8Array;

  constructor(field: FieldSchema, capacity: number, precision: number, scale: number) {
    this.#nulls = new Nulls(field, capacity);
    this.#precision = precision;
    this.#scale = scale;
    this.#bytes = new Uint8Array(capacity * DECIMAL_BYTES);
  }

  put(column: Column, rows: Int32Array, slots: Int32Array): void {
    if (column.kind !== 'decimal') throw new RangeError(`a column of kind ${column.kind} holds no decimals`);
    for (let i = 0; i < slots.length; i++) {
      const start = (rows[i] as number) * DECIMAL_BYTES;
      copyBytes(column.bytes, start, start + DECIMAL_BYTES, this.#bytes, (slots[i] as number) * DECIMAL_BYTES);
    }
    this.#nulls.put(column.nulls, rows, slots);
  }

  gather(slots: Int32Array): Column {
    const bytes = new Uint8Array(slots.length * DECIMAL_BYTES);
    for (let i = 0; i < slots.length; i++) {
      const start = (slots[i] as number) * DECIMAL_BYTES;
      if (start >= 0) copyBytes(this.#bytes, start, start + DECIMAL_BYTES, bytes, i * DECIMAL_BYTES);
    }
    const { precision, scale } = { precision: this.#precision, scale: this.#scale };
    return { kind: 'decimal', precision, scale, bytes, ...this.#nulls.gather(slots) };
  }

  grow(capacity: number): void {
    const larger = new Uint8Array(capacity * DECIMAL_BYTES);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#nulls.grow(capacity);
  }
}

/** A text of at most so many bytes lies in the slot's own place in one array; a longer one in an array of its own. */
const INLINE_BYTES = 32;

/** Texts and bytes. */
class BinaryCells implements CellPool {
  readonly #kind: 'string' | 'bytes';
  readonly #name: string;
  readonly #nulls: Nulls;
  readonly #long = new Map<number, Uint8Array>();
  #inline: Uint8Array;
  #lengths: Int32Array;

  constructor(field: FieldSchema, kind: 'string' | 'bytes', capacity: number) {
    this.#kind = kind;
    this.#name = field.name;
    this.#nulls = new Nulls(field, capacity);
    this.#inline = new Uint8Array(capacity * INLINE_BYTES);
    this.#lengths = new Int32Array(capacity);
  }

  put(column: Column, rows: Int32Array, slots: Int32Array): void {
    const { bytes, offsets } = binaryOf(column);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const start = offsets[rows[i] as number] as number;
      const end = offsets[(rows[i] as number) + 1] as number;
      if (this.#long.size > 0) this.#long.delete(slot);
      this.#lengths[slot] = end - start;
      if (end - start > INLINE_BYTES) this.#long.set(slot, bytes.slice(start, end));
      else copyBytes(bytes, start, end, this.#inline, slot * INLINE_BYTES);
    }
    this.#nulls.put(column.nulls, rows, slots);
  }

  gather(slots: Int32Array): Column {
    const offsets = new Int32Array(slots.length + 1);
    let total = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (slot >= 0) total += this.#lengths[slot] as number;
      offsets[i + 1] = total;
    }
    const bytes = enlarged(new Uint8Array(0), total, `Field '${this.#name}'`);
    for (let i = 0; i < slots.length; i++) this.#copyTo(bytes, offsets[i] as number, slots[i] as number);
    return { kind: this.#kind, bytes, offsets, ...this.#nulls.gather(slots) };
  }

  grow(capacity: number): void {
    const inline = new Uint8Array(capacity * INLINE_BYTES);
    inline.set(this.#inline);
    this.#inline = inline;
    const lengths = new Int32Array(capacity);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
    this.#nulls.grow(capacity);
  }

  #copyTo(bytes: Uint8Array, at: number, slot: number): void {
    if (slot < 0) return;
    const length = this.#lengths[slot] as number;
    if (length > INLINE_BYTES) bytes.set(this.#long.get(slot) as Uint8Array, at);
    else copyBytes(this.#inline, slot * INLINE_BYTES, slot * INLINE_BYTES + length, bytes, at);
  }
}

function binaryOf(column: Column): BinaryColumn {
  if (column.kind === 'string' || column.kind === 'bytes') return column;
  throw new RangeError(`a column of kind ${column.kind} holds no texts`);
}
