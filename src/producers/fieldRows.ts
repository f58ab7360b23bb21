import type { Columns } from '../core/columns.ts';
import { ColumnsBuilder } from '../core/columnsBuilder.ts';
import type { FieldSchema, RecordSchema } from '../core/schema.ts';
import { significantDigits } from '../core/shortDecimal.ts';
import { TidemarkError } from '../errors.ts';
import { numberFault, tooSmallFault } from './numberFault.ts';
import { notOneOf, type RowFault, shown } from './rowFault.ts';
import { scaledDecimal } from './scaledDecimal.ts';
import { fieldDefaults, QUOTE, SOURCE_BAR, TICK } from './schemas.ts';
import { isoParser, isSoundTime } from './timeText.ts';

/** Kinds that a number may be given for: their rows count by its digits as they were written. */
const NUMBER_KINDS: ReadonlySet<FieldSchema['kind']> = new Set(['double', 'long', 'int', 'decimal'] as const);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const parseIso = isoParser((utcMicros) => utcMicros);

/** Sets a value that is not null; null when it is sound. */
type ValueWriter = (value: unknown, builder: ColumnsBuilder) => RowFault | null;

interface FieldWriter {
  readonly field: FieldSchema;
  /** Taken where the row has no value. */
  readonly fallback: unknown;
  readonly takesNumbers: boolean;
  readonly write: ValueWriter;
}

/**
 * Rows given by the names of their fields, as JSON has them, checked by the same rules as the rows of files. The digits of a
 * number count as they are written, and it may be a text; times are epoch microseconds or ISO 8601 (UTC where it names no
 * zone), bytes base64.
 */
export class FieldRows {
  readonly #schema: RecordSchema;
  readonly #known: ReadonlySet<string>;
  readonly #writers: readonly FieldWriter[];
  readonly #builder: ColumnsBuilder;

  constructor(schema: RecordSchema) {
    this.#schema = schema;
    const defaults = fieldDefaults(schema);
    this.#known = new Set(schema.fields.map(({ name }) => name));
    this.#writers = schema.fields.map((field, index) => ({
      field,
      fallback: defaults.get(field.name) ?? null,
      takesNumbers: NUMBER_KINDS.has(field.kind),
      write: valueWriter(field, index, schema),
    }));
    this.#builder = new ColumnsBuilder(schema);
  }

  /**
   * Adds a row, or nothing and the reason.
   * @param texts the row with its numbers as they were written (`parseJson`), where they were
   */
  add(row: unknown, texts: unknown = row): RowFault | null {
    if (!isObject(row)) return { reason: 'value', detail: `a row is an object of fields: ${shown(textOf(row))}` };
    for (const name of Object.keys(row)) {
      if (!this.#known.has(name))
        return { reason: 'field', detail: `${this.#schema.name} has no field ${shown(name)}` };
    }
    const written = isObject(texts) ? texts : row;
    for (const { field, fallback, takesNumbers, write } of this.#writers) {
      const given = Object.hasOwn(row, field.name) ? row[field.name] : null;
      const value = (takesNumbers && typeof given === 'number' ? written[field.name] : given) ?? fallback;
      const fault = value === null ? absence(field) : write(value, this.#builder);
      if (fault !== null) {
        this.#builder.abandonRow();
        return fault;
      }
    }
    this.#builder.endRow();
    return null;
  }

  /** The rows added since the last call. */
  finish(): Columns {
    return this.#builder.finish();
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function absence({ name, nullable }: FieldSchema): RowFault | null {
  return nullable ? null : { reason: 'missing', detail: `${name} is missing` };
}

function valueWriter(field: FieldSchema, index: number, schema: RecordSchema): ValueWriter {
  const { name, kind, nullable, symbols = [], logical } = field;
  switch (kind) {
    case 'double':
      return doubleWriter(name, index, schema);
    case 'long':
    case 'int':
      return logical === undefined ? wholeWriter(name, index, kind) : timeWriter(name, index);
    case 'boolean':
      return (value, builder) => {
        if (typeof value !== 'boolean') return notOneOf(name, textOf(value), ['true', 'false']);
        builder.setBoolean(index, value);
        return null;
      };
    case 'enum':
      return (value, builder) => {
        const code = typeof value === 'string' ? symbols.indexOf(value) : -1;
        if (code < 0) return notOneOf(name, textOf(value), symbols);
        builder.setCode(index, code);
        return null;
      };
    case 'string':
      return (value, builder) => {
        if (typeof value !== 'string')
          return { reason: 'value', detail: `${name} is not text: ${shown(textOf(value))}` };
        if (value === '' && !nullable) return { reason: 'missing', detail: `${name} is empty` };
        builder.setText(index, value);
        return null;
      };
    case 'bytes':
      return bytesWriter(name, index);
    case 'decimal':
      return decimalWriter(field, index);
  }
}

function doubleWriter(name: string, index: number, schema: RecordSchema): ValueWriter {
  const isShort = schema.name === TICK.name || schema.name === QUOTE.name;
  const isPrice = isShort || schema.name === SOURCE_BAR.name;
  return (given, builder) => {
    const text = typeof given === 'number' || typeof given === 'string' ? String(given) : '';
    const value = Number(text);
    if (text === '' || significantDigits(text) < 0 || !Number.isFinite(value)) {
      return { reason: 'number', detail: `${name} is not a number: ${shown(textOf(given))}` };
    }
    const fault = isPrice ? numberFault(name, text, value, isShort) : tooSmallFault(name, text, value);
    if (fault === null) builder.setNumber(index, value === 0 ? 0 : value);
    return fault;
  };
}

/** A whole number as a number or as text; NaN for anything else. */
function wholeOf(value: unknown): number {
  const whole = typeof value === 'string' ? Number(scaledDecimal(value, 0) ?? Number.NaN) : value;
  return typeof whole === 'number' && Number.isSafeInteger(whole) ? whole : Number.NaN;
}

function wholeWriter(name: string, index: number, kind: 'long' | 'int'): ValueWriter {
  const bits = kind === 'int' ? 31 : 53;
  return (value, builder) => {
    const whole = wholeOf(value);
    if (!(Math.abs(whole) < 2 ** bits)) {
      return { reason: 'number', detail: `${name} is not a whole number below 2^${bits}: ${shown(textOf(value))}` };
    }
    builder.setNumber(index, whole);
    return null;
  };
}

function timeWriter(name: string, index: number): ValueWriter {
  return (value, builder) => {
    const count = wholeOf(value);
    const micros = Number.isNaN(count) && typeof value === 'string' ? parseIso(value) : count;
    if (!isSoundTime(micros)) {
      const detail = `${name} is not a time in 1900 to 2200 (microseconds, or ISO 8601): ${shown(textOf(value))}`;
      return { reason: 'time', detail };
    }
    builder.setNumber(index, micros);
    return null;
  };
}

function bytesWriter(name: string, index: number): ValueWriter {
  return (value, builder) => {
    const bytes = typeof value === 'string' && BASE64.test(value) ? Buffer.from(value, 'base64') : value;
    if (!(bytes instanceof Uint8Array)) {
      return { reason: 'value', detail: `${name} is not base64: ${shown(textOf(value))}` };
    }
    builder.setBytes(index, bytes, 0, bytes.length);
    return null;
  };
}

function decimalWriter({ name, scale = 0 }: FieldSchema, index: number): ValueWriter {
  return (value, builder) => {
    const isText = typeof value === 'string' || typeof value === 'number';
    const unscaled = isText ? scaledDecimal(String(value), scale) : null;
    if (unscaled === null) {
      const detail = `${name} is not a decimal of at most ${scale} places: ${shown(textOf(value))}`;
      return { reason: 'number', detail };
    }
    try {
      builder.setDecimal(index, unscaled);
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'TM_VALUE_RANGE') {
        return { reason: 'range', detail: error.message };
      }
      throw error;
    }
    return null;
  };
}

/** A value as a message shows it. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
