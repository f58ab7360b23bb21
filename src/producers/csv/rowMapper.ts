import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { FieldSchema, RecordSchema } from '../../core/schema.ts';
import { numberFault } from '../numberFault.ts';
import { notOneOf, type RowFault, shown } from '../rowFault.ts';
import { fieldDefaults } from '../schemas.ts';
import { type CellText, compileCellText, type FileNames } from './cellText.ts';
import { compileTime, type TimeText } from './eventTime.ts';
import { type FieldSource, type Layout, layoutError } from './layout.ts';

/** Writes one field of a row; null when it is sound. */
type FieldWriter = (cells: readonly string[], builder: ColumnsBuilder) => RowFault | null;

const EVENT_TIME = 'eventTime';
const INTEGER = /^[+-]?\d+$/;

/** Turns the cells of a file's rows into records, as the layout says. */
export class RowMapper {
  readonly columnCount: number;
  readonly #eventTime: TimeText;
  readonly #eventTimeField: number;
  readonly #writers: readonly FieldWriter[];

  /** @throws TM_LAYOUT where the layout does not go with the schema or the file */
  constructor(layout: Layout, schema: RecordSchema, names: FileNames) {
    checkFieldNames(layout, schema);
    this.columnCount = names.columns.size;
    const defaults = fieldDefaults(schema);
    const writers: FieldWriter[] = [];
    let eventTime: TimeText | null = null;
    for (const [index, field] of schema.fields.entries()) {
      const sources = layout.fields.get(field.name) ?? defaultSource(field, defaults);
      if (sources === null) continue;
      if (field.name === EVENT_TIME) {
        eventTime = compileTime(sources, field.name, names);
      } else {
        writers.push(fieldWriter(field, index, sources, names, layout.schema !== 'source_bar'));
      }
    }
    if (eventTime === null) throw missingField(EVENT_TIME, layout);
    for (const field of schema.fields) {
      if (!field.nullable && !layout.fields.has(field.name) && !defaults.has(field.name)) {
        throw missingField(field.name, layout);
      }
    }
    this.#eventTime = eventTime;
    this.#eventTimeField = schema.fields.findIndex(({ name }) => name === EVENT_TIME);
    this.#writers = writers;
  }

  /** Event time in epoch microseconds; NaN when the row has none that is sound. */
  eventTimeMicros(cells: readonly string[]): number {
    return this.#eventTime.micros(cells);
  }

  /** Adds a row to the builder, or nothing and the reason. `eventTimeMicros` is the row's, as computed before. */
  write(cells: readonly string[], eventTimeMicros: number, builder: ColumnsBuilder): RowFault | null {
    if (cells.length !== this.columnCount) {
      return { reason: 'columns', detail: `${cells.length} columns instead of ${this.columnCount}` };
    }
    if (Number.isNaN(eventTimeMicros)) return timeFault(EVENT_TIME, this.#eventTime.text(cells));
    builder.setNumber(this.#eventTimeField, eventTimeMicros);
    for (const write of this.#writers) {
      const fault = write(cells, builder);
      if (fault !== null) {
        builder.abandonRow();
        return fault;
      }
    }
    builder.endRow();
    return null;
  }
}

function checkFieldNames(layout: Layout, schema: RecordSchema): void {
  const known = schema.fields.map(({ name }) => name);
  for (const name of layout.fields.keys()) {
    if (known.includes(name)) continue;
    const hint = `the fields of ${layout.schema} are ${known.join(', ')}`;
    throw layoutError(`fields.${name}: schema ${layout.schema} has no such field`, layout.where, hint);
  }
}

function missingField(name: string, layout: Layout): Error {
  const hint = `add fields.${name}: the name of a column, or { value: … } for one value in every row`;
  return layoutError(`fields.${name} is missing, and ${layout.schema} needs it`, layout.where, hint);
}

function defaultSource(field: FieldSchema, defaults: ReadonlyMap<string, unknown>): readonly FieldSource[] | null {
  const value = defaults.get(field.name);
  return value === undefined ? null : [{ value: String(value) }];
}

function fieldWriter(
  field: FieldSchema,
  index: number,
  sources: readonly FieldSource[],
  names: FileNames,
  isShortDecimal: boolean,
): FieldWriter {
  if (field.logical === 'timestamp-micros') return timeWriter(field, index, compileTime(sources, field.name, names));
  for (const { unit, format, midnightOf, zone } of sources) {
    if (unit ?? format ?? midnightOf ?? zone) {
      const hint = 'unit, format, midnightOf and zone are for times';
      throw layoutError(`fields.${field.name} is not a time`, names.where, hint);
    }
  }
  const text = firstText(sources.map((source) => compileCellText(source, `fields.${field.name}`, names)));
  const write = valueWriter(field, index, isShortDecimal);
  const { name, nullable } = field;
  return (cells, builder) => {
    const found = text(cells);
    if (found !== '') return write(found, builder);
    return nullable ? null : { reason: 'missing', detail: `${name} is empty` };
  };
}

function firstText(texts: readonly CellText[]): CellText {
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  return (cells) => {
    for (const text of texts) {
      const found = text(cells);
      if (found !== '') return found;
    }
    return '';
  };
}

function timeFault(name: string, text: string): RowFault {
  return {
    reason: 'time',
    detail: text === '' ? `${name} is empty` : `${name} is not a time in 1900 to 2200: ${shown(text)}`,
  };
}

function timeWriter({ name, nullable }: FieldSchema, index: number, time: TimeText): FieldWriter {
  return (cells, builder) => {
    const micros = time.micros(cells);
    if (!Number.isNaN(micros)) {
      builder.setNumber(index, micros);
      return null;
    }
    const text = time.text(cells);
    return text === '' && nullable ? null : timeFault(name, text);
  };
}

/** Writes a text that is not empty. */
function valueWriter(
  { name, kind, symbols = [] }: FieldSchema,
  index: number,
  isShortDecimal: boolean,
): (text: string, builder: ColumnsBuilder) => RowFault | null {
  switch (kind) {
    case 'double':
      return (text, builder) => {
        const value = Number(text);
        const fault = numberFault(name, text, value, isShortDecimal);
        if (fault === null) builder.setNumber(index, value === 0 ? 0 : value);
        return fault;
      };
    case 'long':
    case 'int':
      return (text, builder) => {
        const value = Number(text);
        if (!INTEGER.test(text) || !Number.isSafeInteger(value)) {
          return { reason: 'number', detail: `${name} is not a whole number below 2^53: ${shown(text)}` };
        }
        builder.setNumber(index, value);
        return null;
      };
    case 'boolean':
      return (text, builder) => {
        if (text !== 'true' && text !== 'false') return notOneOf(name, text, ['true', 'false']);
        builder.setBoolean(index, text === 'true');
        return null;
      };
    case 'enum':
      return (text, builder) => {
        const code = symbols.indexOf(text);
        if (code < 0) return notOneOf(name, text, symbols);
        builder.setCode(index, code);
        return null;
      };
    default:
      return (text, builder) => {
        builder.setText(index, text);
        return null;
      };
  }
}
