import { TidemarkError } from '../errors.ts';
import type { Columns } from './columns.ts';
import { type FieldBuilder, fieldBuilder } from './fieldBuilder.ts';
import type { RecordSchema } from './schema.ts';

/**
 * Fills columns row by row: set the fields of a row, then `endRow`. What is set before `endRow` may be set again, and an
 * abandoned row leaves no trace. Fields are given by index (`fieldIndex`), so that a loop over rows looks up no name.
 * A setter that does not go with the field's kind throws TM_COLUMN_KIND.
 */
export class ColumnsBuilder {
  readonly #schema: RecordSchema;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #initialCapacity: number;
  /** 1 where the current row has its field. */
  readonly #filled: Uint8Array;
  #fields: readonly FieldBuilder[];
  #capacity: number;
  #length = 0;

  constructor(schema: RecordSchema, initialCapacity = 1024) {
    this.#schema = schema;
    this.#indexes = new Map(schema.fields.map(({ name }, index) => [name, index]));
    this.#initialCapacity = Math.max(1, initialCapacity);
    this.#filled = new Uint8Array(schema.fields.length);
    this.#capacity = this.#initialCapacity;
    this.#fields = schema.fields.map((field) => fieldBuilder(field, this.#capacity));
  }

  /** Rows ended so far. */
  get length(): number {
    return this.#length;
  }

  /** @throws TM_COLUMN_UNKNOWN */
  fieldIndex(name: string): number {
    const index = this.#indexes.get(name);
    if (index === undefined) {
      throw new TidemarkError('TM_COLUMN_UNKNOWN', `Record ${this.#schema.name} has no field '${name}'.`, {
        hint: `Its fields are ${[...this.#indexes.keys()].join(', ')}.`,
      });
    }
    return index;
  }

  /** A double, int or long. Whether a long is whole and below 2^53 is checked when it is encoded. */
  setNumber(field: number, value: number): void {
    this.#open(field).setNumber(this.#length, value);
  }

  setText(field: number, text: string): void {
    this.#open(field).setText(this.#length, text);
  }

  /** Copies `source[start, end)`: the value of a bytes field, or of a string field as UTF-8 (not checked). */
  setBytes(field: number, source: Uint8Array, start: number, end: number): void {
    this.#open(field).setBytes(this.#length, source, start, end);
  }

  setBoolean(field: number, value: boolean): void {
    this.#open(field).setNumber(this.#length, value ? 1 : 0);
  }

  /** The value of an enum field, as the index of its symbol. */
  setCode(field: number, code: number): void {
    this.#open(field).setNumber(this.#length, code);
  }

  /** @throws TM_VALUE_RANGE when the value has more digits than the field's precision */
  setDecimal(field: number, unscaled: bigint): void {
    this.#open(field).setDecimal(this.#length, unscaled);
  }

  /** Copies 32 bytes from `start`: two's complement, little endian. */
  setDecimalBytes(field: number, source: Uint8Array, start: number): void {
    this.#open(field).setDecimalBytes(this.#length, source, start);
  }

  setNull(field: number): void {
    this.#filled[field] = 0;
  }

  /**
   * Ends the row; a nullable field that was not set is null.
   * @throws TM_ROW_INCOMPLETE when a field that cannot be null was not set; the row is still open then
   */
  endRow(): void {
    const row = this.#length;
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i] as FieldBuilder;
      if (this.#filled[i] === 1) {
        field.endValue(row);
      } else {
        field.endNull(row);
      }
    }
    this.#filled.fill(0);
    this.#length = row + 1;
    if (this.#length === this.#capacity) {
      this.#capacity *= 2;
      for (const field of this.#fields) {
        field.grow(this.#capacity);
      }
    }
  }

  /** Forgets what was set since the last `endRow`. */
  abandonRow(): void {
    this.#filled.fill(0);
  }

  /** Hands over the rows ended so far and starts afresh. A row that was begun and not ended is abandoned. */
  finish(): Columns {
    const length = this.#length;
    const finished = this.#fields.map((field) => [field.name, field.finish(length)] as const);
    this.#filled.fill(0);
    this.#length = 0;
    this.#capacity = this.#initialCapacity;
    this.#fields = this.#schema.fields.map((field) => fieldBuilder(field, this.#capacity));
    return { length, byName: new Map(finished) };
  }

  #open(field: number): FieldBuilder {
    const builder = this.#fields[field];
    if (builder === undefined) {
      throw new TidemarkError('TM_COLUMN_UNKNOWN', `Record ${this.#schema.name} has no field number ${field}.`);
    }
    this.#filled[field] = 1;
    return builder;
  }
}
