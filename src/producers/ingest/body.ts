import { TextDecoder } from 'node:util';
import { Cursor, type Fault } from '../../core/avro/cursor.ts';
import { compileDecoder, type DecodeRun } from '../../core/avro/decoder.ts';
import { readerFields } from '../../core/avro/resolution.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { targetOf } from '../../core/avro/targets.ts';
import { FAULTS } from '../../core/avro/topicDecoder.ts';
import type { Columns } from '../../core/columns.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import { FieldRows } from '../fieldRows.ts';
import { type ParsedJson, parseJson } from '../jsonNumbers.ts';
import { bodyFault, tooManyRows } from './bodyFaults.ts';
import { type ContainerBounds, readContainer } from './container.ts';

export type BodyFormat = 'json' | 'ndjson' | 'avro';

/** A row that cannot be used. */
export interface RowError {
  /** Number of the row, from 1; of NDJSON its line. */
  readonly row: number;
  readonly reason: string;
  /** In words: which field, which value. */
  readonly detail: string;
}

/** The rows of a body, checked. The same body gives the same, whenever it comes. */
export interface ReadBody {
  readonly columns: Columns;
  readonly errors: readonly RowError[];
}

/**
 * Reads the rows of a body: JSON (an array of objects, or one), NDJSON (an object a line, empty lines left out), or an Avro
 * object container file.
 * @throws TM_INGEST_BODY, TM_API_BOUNDS
 */
export function readBody(
  format: BodyFormat,
  bytes: Uint8Array,
  schema: RecordSchema,
  bounds: ContainerBounds,
): ReadBody {
  if (bytes.length === 0) throw bodyFault('it is empty');
  if (isGzip(bytes)) throw bodyFault('it is compressed with gzip, and is not to be');
  if (format === 'avro') return readAvro(bytes, schema, bounds);
  const text = utf8Of(bytes);
  return format === 'json' ? readJson(text, schema, bounds) : readLines(text, schema, bounds);
}

/** No text and no Avro container begins so. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function utf8Of(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw bodyFault('it is not UTF-8');
  }
}

/** Gathers rows, and what is wrong with others. */
class Rows {
  readonly #rows: FieldRows;
  readonly #maxRows: number;
  readonly #errors: RowError[] = [];
  #count = 0;

  constructor(schema: RecordSchema, { maxRows }: ContainerBounds) {
    this.#rows = new FieldRows(schema);
    this.#maxRows = maxRows;
  }

  add(number: number, row: unknown, texts: unknown = row): void {
    const fault = this.#rows.add(row, texts);
    if (fault === null) this.#counted();
    else this.reject({ row: number, ...fault });
  }

  reject(error: RowError): void {
    this.#counted();
    this.#errors.push(error);
  }

  finish(): ReadBody {
    return { columns: this.#rows.finish(), errors: this.#errors };
  }

  #counted(): void {
    if (++this.#count > this.#maxRows) throw tooManyRows(this.#maxRows);
  }
}

function readJson(text: string, schema: RecordSchema, bounds: ContainerBounds): ReadBody {
  let given: ParsedJson;
  try {
    given = parseJson(text);
  } catch (error) {
    throw bodyFault(`it is not JSON: ${reasonOf(error)}`);
  }
  const { value, texts } = given;
  if (typeof value !== 'object' || value === null) throw bodyFault('it is neither an array of rows nor a row');
  const rows = new Rows(schema, bounds);
  const written = listed(texts);
  for (const [index, row] of listed(value).entries()) rows.add(index + 1, row, written[index]);
  return rows.finish();
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function readLines(text: string, schema: RecordSchema, bounds: ContainerBounds): ReadBody {
  const rows = new Rows(schema, bounds);
  let line = 0;
  for (const written of text.split('\n')) {
    line++;
    if (written.trim() === '') continue;
    let row: ParsedJson;
    try {
      row = parseJson(written);
    } catch (error) {
      rows.reject({ row: line, reason: 'json', detail: `this line is not JSON: ${reasonOf(error)}` });
      continue;
    }
    rows.add(line, row.value, row.texts);
  }
  return rows.finish();
}

function readAvro(bytes: Uint8Array, schema: RecordSchema, bounds: ContainerBounds): ReadBody {
  const { schemaText, records } = readContainer(bytes, bounds);
  const { count, data, valueStarts: starts, valueEnds: ends } = records;
  const targets = schema.fields.map((field) => targetOf(field, count));
  const places = new Int32Array(count);
  const faults = new Map<number, Fault>();
  const reject = (index: number, fault: Fault) => faults.set(index, fault);
  const decode = decoderOf(schemaText, schema);
  const run = { starts, ends, from: 0, to: count };
  const length = decode(new Cursor(data), targets, run, 0, { rows: places, reject });
  const view = new RowView<Readonly<Record<string, unknown>>>(schema);
  view.bind({ length, byName: new Map(targets.map((target) => [target.name, target.finish(length)])) });
  const rows = new Rows(schema, bounds);
  for (let index = 0, row = 0; index < count; index++) {
    const fault = faults.get(index);
    if (fault === undefined) rows.add(index + 1, { ...view.at(row++) });
    else rows.reject({ row: index + 1, reason: fault, detail: FAULTS[fault] });
  }
  return rows.finish();
}

/** @throws TM_INGEST_BODY where the schema that rows were written with does not become the topic's */
function decoderOf(schemaText: string, schema: RecordSchema): DecodeRun {
  try {
    return compileDecoder(schemaText, readerFields(schema));
  } catch (error) {
    if (error instanceof TidemarkError) throw bodyFault(`its schema does not go with the topic's: ${error.message}`);
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
