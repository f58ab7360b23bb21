import { TidemarkError } from '../../errors.ts';
import type { Column, Columns } from '../columns.ts';
import type { FieldSchema } from '../schema.ts';
import type { AvroType } from './avroType.ts';

/** A field to encode: its column, its Avro type apart from null, and which branch null is (-1: it cannot be null). */
export interface EncoderField {
  readonly field: FieldSchema;
  readonly type: AvroType;
  readonly nullBranch: -1 | 0 | 1;
}

/** The arrays of one column, under the names that the generated code knows. */
export interface FieldSource {
  /** Of a number, boolean or enum: the values or codes. */
  readonly values: Float64Array | Int32Array | Uint8Array;
  /** Of text, bytes or a decimal. */
  readonly bytes: Uint8Array;
  /** Of text or bytes. */
  readonly offsets: Int32Array;
  readonly nulls: Uint8Array | null;
}

const NO_BYTES = new Uint8Array(0);
const NO_OFFSETS = new Int32Array(0);

/** Finds each field's column and checks that it holds what the field declares. */
export function bindColumns(
  fields: readonly EncoderField[],
  columns: Columns,
  rows: Int32Array | null,
): readonly FieldSource[] {
  return fields.map(({ field }) => {
    const column = columns.byName.get(field.name);
    if (column === undefined) {
      throw new TidemarkError('TM_COLUMN_UNKNOWN', `There is no column for field '${field.name}'.`);
    }
    if (!holds(column, field)) {
      throw new TidemarkError(
        'TM_COLUMN_KIND',
        `Field '${field.name}' is ${described(field)}; its column is ${described(column)}.`,
      );
    }
    const nulls = column.nulls ?? null;
    if (nulls !== null && !field.nullable) {
      requireValues(field.name, nulls, rows);
    }
    return sourceOf(column, nulls);
  });
}

function holds(column: Column, field: FieldSchema): boolean {
  switch (column.kind) {
    case 'double':
    case 'long':
    case 'int':
      // One array type holds them all; the encoder checks each value against the field's own type.
      return field.kind === 'double' || field.kind === 'long' || field.kind === 'int';
    case 'enum':
      return field.kind === 'enum' && sameTexts(column.symbols, field.symbols ?? []);
    case 'decimal':
      return field.kind === 'decimal' && column.scale === field.scale && column.precision <= (field.precision ?? 0);
    default:
      return column.kind === field.kind;
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]));
}

function described(of: Column | FieldSchema): string {
  if (of.kind === 'enum') {
    return `enum of ${of.symbols?.join(', ')}`;
  }
  return of.kind === 'decimal' ? `decimal(${of.precision}, ${of.scale})` : of.kind;
}

function requireValues(name: string, nulls: Uint8Array, rows: Int32Array | null): void {
  const row = rows === null ? nulls.indexOf(1) : (rows.find((each) => nulls[each] === 1) ?? -1);
  if (row >= 0) {
    throw new TidemarkError('TM_ROW_INCOMPLETE', `Field '${name}' is null in row ${row}, and it cannot be null.`, {
      hint: 'Declare it as a union with null.',
    });
  }
}

function sourceOf(column: Column, nulls: Uint8Array | null): FieldSource {
  switch (column.kind) {
    case 'enum':
      return { values: column.codes, bytes: NO_BYTES, offsets: NO_OFFSETS, nulls };
    case 'string':
    case 'bytes':
      return { values: NO_BYTES, bytes: column.bytes, offsets: column.offsets, nulls };
    case 'decimal':
      return { values: NO_BYTES, bytes: column.bytes, offsets: NO_OFFSETS, nulls };
    default:
      return { values: column.values, bytes: NO_BYTES, offsets: NO_OFFSETS, nulls };
  }
}
