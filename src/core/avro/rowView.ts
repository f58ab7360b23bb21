import { TidemarkError } from '../../errors.ts';
import { bytesAt, decimalAt, decimalText, isNull, textAt } from '../columnAccess.ts';
import type { BinaryColumn, Column, Columns, DecimalColumn } from '../columns.ts';
import type { FieldSchema, RecordSchema } from '../schema.ts';
import type { AvroValue } from './row.ts';

/**
 * One row object that moves over columns, for code that wants `row.price` where an object a record is too dear. It is the
 * same object for every row and every chunk: what is to be kept is copied (`{ ...row }`).
 *
 * @example
 * const view = new RowView<Tick>(schema);
 * view.bind(columns);
 * for (let i = 0; i < columns.length; i++) total += view.at(i).price;
 */
export class RowView<Row> {
  readonly #cells: readonly Cell[];
  readonly #place: Place = { row: 0 };
  readonly #row: Row;

  constructor(schema: RecordSchema) {
    this.#cells = schema.fields.map((field) => cellOf(field));
    const properties = this.#cells.map((cell) => [
      cell.field.name,
      { enumerable: true, get: cell.getter(this.#place) },
    ]);
    // The properties are the schema's fields; that `Row` is the schema's row type is the caller's word.
    this.#row = Object.defineProperties({}, Object.fromEntries(properties)) as Row;
  }

  /**
   * Moves on to other columns.
   * @throws TM_COLUMN_UNKNOWN when a field has no column, TM_COLUMN_KIND when it is of another kind
   */
  bind(columns: Columns): void {
    for (const cell of this.#cells) {
      const column = columns.byName.get(cell.field.name);
      if (column === undefined) {
        throw new TidemarkError('TM_COLUMN_UNKNOWN', `There is no column for field '${cell.field.name}'.`);
      }
      cell.bind(column);
    }
  }

  at(row: number): Row {
    this.#place.row = row;
    return this.#row;
  }
}

interface Place {
  row: number;
}

/**
 * A field's arrays in the columns of the moment. Each kind has a getter of its own, so that V8 sees one kind of array in it.
 */
abstract class Cell {
  readonly field: FieldSchema;

  constructor(field: FieldSchema) {
    this.field = field;
  }

  abstract bind(column: Column): void;
  abstract getter(place: Place): () => AvroValue;

  protected mismatch(column: Column): TidemarkError {
    return new TidemarkError(
      'TM_COLUMN_KIND',
      `Field '${this.field.name}' is of kind ${this.field.kind}; its column is of kind ${column.kind}.`,
    );
  }
}

function cellOf(field: FieldSchema): Cell {
  switch (field.kind) {
    case 'boolean':
      return new BooleanCell(field);
    case 'enum':
      return new EnumCell(field);
    case 'string':
    case 'bytes':
      return new BinaryCell(field);
    case 'decimal':
      return new DecimalCell(field);
    default:
      return new NumberCell(field);
  }
}

class NumberCell extends Cell {
  #values: Float64Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  bind(column: Column): void {
    if (column.kind !== 'double' && column.kind !== 'long' && column.kind !== 'int') {
      throw this.mismatch(column);
    }
    this.#values = column.values;
    this.#nulls = column.nulls;
  }

  getter(place: Place): () => AvroValue {
    return () => (this.#nulls?.[place.row] === 1 ? null : (this.#values[place.row] as number));
  }
}

class BooleanCell extends Cell {
  #values: Uint8Array = new Uint8Array(0);
  #nulls: Uint8Array | undefined;

  bind(column: Column): void {
    if (column.kind !== 'boolean') {
      throw this.mismatch(column);
    }
    this.#values = column.values;
    this.#nulls = column.nulls;
  }

  getter(place: Place): () => AvroValue {
    return () => (this.#nulls?.[place.row] === 1 ? null : this.#values[place.row] === 1);
  }
}

class EnumCell extends Cell {
  #codes: Int32Array = new Int32Array(0);
  #symbols: readonly string[] = [];
  #nulls: Uint8Array | undefined;

  bind(column: Column): void {
    if (column.kind !== 'enum') {
      throw this.mismatch(column);
    }
    this.#codes = column.codes;
    this.#symbols = column.symbols;
    this.#nulls = column.nulls;
  }

  getter(place: Place): () => AvroValue {
    return () => (this.#nulls?.[place.row] === 1 ? null : (this.#symbols[this.#codes[place.row] as number] as string));
  }
}

class BinaryCell extends Cell {
  #column: BinaryColumn | null = null;

  bind(column: Column): void {
    if ((column.kind !== 'string' && column.kind !== 'bytes') || column.kind !== this.field.kind) {
      throw this.mismatch(column);
    }
    this.#column = column;
  }

  getter(place: Place): () => AvroValue {
    const read = this.field.kind === 'string' ? textAt : bytesAt;
    return () => {
      const column = this.#column;
      return column === null || isNull(column, place.row) ? null : read(column, place.row);
    };
  }
}

class DecimalCell extends Cell {
  #column: DecimalColumn | null = null;

  bind(column: Column): void {
    if (column.kind !== 'decimal') {
      throw this.mismatch(column);
    }
    this.#column = column;
  }

  getter(place: Place): () => AvroValue {
    return () => {
      const column = this.#column;
      if (column === null || isNull(column, place.row)) {
        return null;
      }
      return decimalText(decimalAt(column, place.row), column.scale);
    };
  }
}
