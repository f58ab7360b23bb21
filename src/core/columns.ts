/**
 * Columns of plain data: what a chunk is made of. One value a record in each; a column never knows where it came from.
 * Text and bytes use Arrow's variable-width layout (one byte buffer and n + 1 offsets), so that a sink can hand them to
 * Arrow without a copy (https://arrow.apache.org/docs/format/Columnar.html).
 */

/** Doubles, and longs (epoch microseconds included), which are exact to 2^53. */
export interface NumberColumn {
  readonly kind: 'double' | 'long' | 'int';
  readonly values: Float64Array;
  /** 1 where the value is null; absent when the field cannot be null. A null's value is 0. */
  readonly nulls?: Uint8Array;
}

export interface BooleanColumn {
  readonly kind: 'boolean';
  readonly values: Uint8Array;
  readonly nulls?: Uint8Array;
}

/** A field of few distinct values: `symbols[codes[i]]`. */
export interface EnumColumn {
  readonly kind: 'enum';
  readonly codes: Int32Array;
  readonly symbols: readonly string[];
  readonly nulls?: Uint8Array;
}

/** Strings (UTF-8) and bytes: value i is `bytes[offsets[i], offsets[i + 1])`. */
export interface BinaryColumn {
  readonly kind: 'string' | 'bytes';
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly nulls?: Uint8Array;
}

/** Decimals of one fixed scale: 32 bytes a value, two's complement, little endian (Arrow's decimal256). */
export interface DecimalColumn {
  readonly kind: 'decimal';
  readonly precision: number;
  readonly scale: number;
  readonly bytes: Uint8Array;
  readonly nulls?: Uint8Array;
}

/**
 * The values of one field.
 *
 * @example const numbersOf = (column: Column): Float64Array | null => (column.kind === 'double' ? column.values : null);
 */
export type Column = NumberColumn | BooleanColumn | EnumColumn | BinaryColumn | DecimalColumn;

/**
 * Columns by field name, all of `length` values.
 *
 * @example const pricesOf = (columns: Columns): Column | undefined => columns.byName.get('price');
 */
export interface Columns {
  readonly length: number;
  readonly byName: ReadonlyMap<string, Column>;
}
