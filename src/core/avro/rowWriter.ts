import { TidemarkError } from '../../errors.ts';
import type { Columns } from '../columns.ts';
import { ColumnsBuilder } from '../columnsBuilder.ts';
import type { FieldSchema, RecordSchema } from '../schema.ts';
import type { AvroValue } from './row.ts';

/**
 * Turns row objects into columns: the way back from `RowView`.
 *
 * @example
 * const writer = new RowWriter(schema);
 * for (const row of rows) writer.add(row);
 * const columns = writer.finish();
 */
export class RowWriter {
  readonly #builder: ColumnsBuilder;
  readonly #fields: readonly FieldSchema[];

  constructor(schema: RecordSchema) {
    this.#builder = new ColumnsBuilder(schema);
    this.#fields = schema.fields;
  }

  /** Rows added since the last `finish`. */
  get length(): number {
    return this.#builder.length;
  }

  /**
   * Adds a row. A field that it lacks is null; a property that the schema lacks is ignored.
   * @throws TM_COLUMN_KIND for a value of another kind, TM_ROW_INCOMPLETE for a null that cannot be
   */
  add(row: Readonly<Record<string, unknown>>): void {
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i] as FieldSchema;
      const value = row[field.name] ?? null;
      if (value !== null) this.#set(i, field, value as AvroValue);
    }
    this.#builder.endRow();
  }

  finish(): Columns {
    return this.#builder.finish();
  }

  #set(index: number, field: FieldSchema, value: AvroValue): void {
    if (this.#isSet(index, field, value)) return;
    this.#builder.abandonRow();
    throw mismatch(field, value);
  }

  /** False when the value is not of the field's kind. */
  #isSet(index: number, { kind, symbols, scale }: FieldSchema, value: AvroValue): boolean {
    const builder = this.#builder;
    if (typeof value === 'number') {
      if (kind !== 'double' && !((kind === 'long' || kind === 'int') && Number.isSafeInteger(value))) return false;
      builder.setNumber(index, value);
    } else if (typeof value === 'boolean') {
      if (kind !== 'boolean') return false;
      builder.setBoolean(index, value);
    } else if (value instanceof Uint8Array) {
      if (kind !== 'bytes') return false;
      builder.setBytes(index, value, 0, value.length);
    } else if (typeof value !== 'string') {
      return false;
    } else if (kind === 'string') {
      builder.setText(index, value);
    } else if (kind === 'enum') {
      const code = symbols?.indexOf(value) ?? -1;
      if (code < 0) return false;
      builder.setCode(index, code);
    } else if (kind === 'decimal') {
      const unscaled = unscaledOf(value, scale ?? 0);
      if (unscaled === null) return false;
      builder.setDecimal(index, unscaled);
    } else {
      return false;
    }
    return true;
  }
}

/** The value of a plain decimal text times 10^scale; null when it is none, or has more places. */
function unscaledOf(text: string, scale: number): bigint | null {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  const [, sign = '', whole = '', fraction = ''] = parts ?? [];
  if (parts === null || fraction.length > scale) return null;
  return BigInt(`${sign}${whole}${fraction.padEnd(scale, '0')}`);
}

function mismatch({ name, kind, symbols }: FieldSchema, value: AvroValue): TidemarkError {
  const wanted = kind === 'long' || kind === 'int' ? `a whole number (${kind})` : kind;
  return new TidemarkError(
    'TM_COLUMN_KIND',
    `Field '${name}' takes ${wanted}, not ${String(value)} (${typeof value}).`,
    {
      hint: symbols === undefined ? 'Give it a value of that type.' : `Give it one of ${symbols.join(', ')}.`,
    },
  );
}
