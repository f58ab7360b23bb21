import { type Data, Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import type { Columns } from '../../core/columns.ts';
import { type ArrowColumn, arrowColumnFor, DictionaryColumn, IntColumn, LongColumn } from './arrowColumns.ts';
import { INSERT_SETTINGS } from './insertSettings.ts';
import type { InsertColumn, InsertTarget } from './insertTarget.ts';
import { quoteName } from './sqlText.ts';

/** Decoded records of one partition, and the offset of each. */
export interface RecordsAtPlaces {
  readonly columns: Columns;
  readonly partition: number;
  /** At least `columns.length` values. */
  readonly offsets: Float64Array;
}

/** Rows for one insert into one table, gathered from many chunks into one Arrow record batch. */
export class ArrowInsert {
  readonly #target: InsertTarget;
  readonly #parts: readonly Part[];
  #rows = 0;

  constructor(target: InsertTarget) {
    this.#target = target;
    this.#parts = target.columns.map(partFor);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes of the values gathered so far, nearly. */
  get bytes(): number {
    return this.#parts.reduce((sum, { column }) => sum + column.bytes, 0);
  }

  append(records: RecordsAtPlaces): void {
    for (const part of this.#parts) part.append(records);
    this.#rows += records.columns.length;
  }

  /** The statement, and the body that goes with it: an Arrow IPC stream. The insert is spent afterwards. */
  finish(): { readonly sql: string; readonly body: Uint8Array } {
    const children = this.#parts.map(({ column }) => column.finish());
    const names = this.#target.columns.map(({ name }) => name);
    return {
      sql:
        `INSERT INTO ${quoteName(this.#target.table)} (${names.map(quoteName).join(', ')}) ` +
        `SETTINGS ${INSERT_SETTINGS} FORMAT ArrowStream`,
      body: streamOf(names, children, this.#rows),
    };
  }
}

interface Part {
  readonly column: ArrowColumn;
  append(records: RecordsAtPlaces): void;
}

function partFor({ source }: InsertColumn): Part {
  switch (source.kind) {
    case 'field':
      return fieldPart(source.field.name, arrowColumnFor(source.field, source.dictionary));
    case 'shifted':
      return fieldPart(source.field.name, new LongColumn(false, source.by));
    case 'offset': {
      const column = new LongColumn(false);
      return { column, append: ({ columns, offsets }) => column.appendValues(offsets, columns.length) };
    }
    case 'partition': {
      const column = new IntColumn();
      return { column, append: ({ columns, partition }) => column.appendConstant(partition, columns.length) };
    }
    case 'number': {
      const column = new IntColumn();
      return { column, append: ({ columns }) => column.appendConstant(source.value, columns.length) };
    }
    case 'text': {
      const column = new DictionaryColumn();
      return { column, append: ({ columns }) => column.appendText(source.value, columns.length) };
    }
  }
}

function fieldPart(name: string, column: ArrowColumn): Part {
  return {
    column,
    append({ columns }) {
      const values = columns.byName.get(name);
      if (values === undefined) throw new TypeError(`the records have no field '${name}'`);
      column.append(values, columns.length);
    },
  };
}

function streamOf(names: readonly string[], children: Data[], length: number): Uint8Array {
  const fields = children.map((data, i) => new Field(names[i] ?? '', data.type, data.nullCount > 0));
  const schema = new Schema(fields);
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return RecordBatchStreamWriter.writeAll([new RecordBatch(schema, data)]).toUint8Array(true);
}
