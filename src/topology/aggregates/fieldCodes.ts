import { Buffer } from 'node:buffer';
import { decimalText } from '../../core/columnAccess.ts';
import type {
  BinaryColumn,
  BooleanColumn,
  Column,
  DecimalColumn,
  EnumColumn,
  NumberColumn,
} from '../../core/columns.ts';
import { DECIMAL_BYTES, readDecimal } from '../../core/decimalBytes.ts';
import { fieldBuilder } from '../../core/fieldBuilder.ts';
import { KeyTable } from '../../core/keyTable.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk } from '../elements.ts';

/**
 * The values of a field of any kind as numbers, so that a slot can hold them: equal values have equal codes. A code is
 * good until the next chunk; `retain` keeps it for longer, as often as it is retained.
 */
export interface FieldCodes {
  begin(chunk: Chunk): void;
  /** Of the chunk's row; NaN where it is null (or NaN). */
  code(row: number): number;
  retain(code: number): void;
  release(code: number): void;
  /** The codes' values as a column; NaN is null. */
  column(codes: Float64Array): Column;
  /** The codes' values as plain data, and back. */
  save(codes: Float64Array): unknown;
  load(saved: unknown): Float64Array;
  /** A code's value as bytes, good until the next call. Equal values have equal bytes. */
  bytes(code: number): Uint8Array;
  /** A code's value as JSON text: numbers and booleans as such, decimals and text as strings, bytes in base64. */
  json(code: number): string;
  /** Orders values: numbers by value, enums by symbol number, anything else by its bytes. */
  compare(a: number, b: number): number;
}

export function fieldCodes(field: FieldSchema): FieldCodes {
  switch (field.kind) {
    case 'string':
    case 'bytes':
    case 'decimal':
      return new InternedCodes(field);
    default:
      return new NumberCodes(field);
  }
}

function columnOf(chunk: Chunk, field: FieldSchema): Column {
  const column = chunk.columns.byName.get(field.name);
  if (column?.kind === field.kind) return column;
  throw new TidemarkError('TM_TOPOLOGY', `a chunk came without the ${field.kind} column '${field.name}'`);
}

/** Numbers, booleans and enums are codes already. */
class NumberCodes implements FieldCodes {
  readonly #field: FieldSchema;
  readonly #scratchBytes = new Uint8Array(8);
  readonly #scratch = new DataView(this.#scratchBytes.buffer);
  #values: Float64Array | Uint8Array | Int32Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(field: FieldSchema) {
    this.#field = field;
  }

  begin(chunk: Chunk): void {
    const column = columnOf(chunk, this.#field) as NumberColumn | BooleanColumn | EnumColumn;
    this.#values = column.kind === 'enum' ? column.codes : column.values;
    this.#nulls = column.nulls;
  }

  code(row: number): number {
    return this.#nulls?.[row] === 1 ? Number.NaN : (this.#values[row] as number);
  }

  retain(): void {}

  release(): void {}

  column(codes: Float64Array): Column {
    const builder = fieldBuilder({ ...this.#field, nullable: true }, codes.length);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      if (Number.isNaN(code)) {
        builder.endNull(i);
      } else {
        builder.setNumber(i, code);
        builder.endValue(i);
      }
    }
    return builder.finish(codes.length);
  }

  save(codes: Float64Array): Float64Array {
    return codes;
  }

  load(saved: Float64Array): Float64Array {
    return saved;
  }

  bytes(code: number): Uint8Array {
    this.#scratch.setFloat64(0, code === 0 ? 0 : code);
    return this.#scratchBytes;
  }

  json(code: number): string {
    if (Number.isNaN(code)) return 'null';
    if (this.#field.kind === 'boolean') return String(code === 1);
    return JSON.stringify(this.#field.kind === 'enum' ? (this.#field.symbols?.[code] ?? null) : code);
  }

  compare(a: number, b: number): number {
    return a - b;
  }
}

/** Text, bytes and decimals get an id for as long as a slot holds them. */
class InternedCodes implements FieldCodes {
  readonly #field: FieldSchema;
  readonly #table = new KeyTable();
  #column: BinaryColumn | DecimalColumn | null = null;

  constructor(field: FieldSchema) {
    this.#field = field;
  }

  begin(chunk: Chunk): void {
    this.#column = columnOf(chunk, this.#field) as BinaryColumn | DecimalColumn;
    this.#table.sweep();
  }

  code(row: number): number {
    const column = this.#column;
    if (column === null || column.nulls?.[row] === 1) return Number.NaN;
    if (column.kind === 'decimal')
      return this.#table.intern(column.bytes, row * DECIMAL_BYTES, (row + 1) * DECIMAL_BYTES);
    return this.#table.intern(column.bytes, column.offsets[row] as number, column.offsets[row + 1] as number);
  }

  retain(code: number): void {
    if (!Number.isNaN(code)) this.#table.retain(code);
  }

  release(code: number): void {
    if (!Number.isNaN(code)) this.#table.release(code);
  }

  column(codes: Float64Array): Column {
    const builder = fieldBuilder({ ...this.#field, nullable: true }, codes.length);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      if (Number.isNaN(code)) {
        builder.endNull(i);
        continue;
      }
      const bytes = this.#table.bytesOf(code);
      if (this.#field.kind === 'decimal') builder.setDecimalBytes(i, bytes, 0);
      else builder.setBytes(i, bytes, 0, bytes.length);
      builder.endValue(i);
    }
    return builder.finish(codes.length);
  }

  save(codes: Float64Array): readonly (Uint8Array | null)[] {
    return Array.from(codes, (code) => (Number.isNaN(code) ? null : this.#table.bytesOf(code)));
  }

  load(saved: readonly (Uint8Array | null)[]): Float64Array {
    return Float64Array.from(saved, (bytes) => {
      return bytes === null ? Number.NaN : this.#table.intern(bytes, 0, bytes.length);
    });
  }

  bytes(code: number): Uint8Array {
    return this.#table.bytesOf(code);
  }

  json(code: number): string {
    if (Number.isNaN(code)) return 'null';
    const bytes = this.#table.bytesOf(code);
    if (this.#field.kind === 'decimal') return `"${decimalText(readDecimal(bytes, 0), this.#field.scale ?? 0)}"`;
    return JSON.stringify(Buffer.from(bytes).toString(this.#field.kind === 'string' ? 'utf8' : 'base64'));
  }

  compare(a: number, b: number): number {
    return Buffer.compare(this.#table.bytesOf(a), this.#table.bytesOf(b));
  }
}
