import { TidemarkError } from '../../errors.ts';
import type { FieldSchema, RecordSchema } from '../schema.ts';
import { type AvroField, type AvroRecord, type AvroType, parseAvroType } from './avroType.ts';

/** The widest decimal that 32 bytes hold (Arrow's decimal256). */
export const MAX_DECIMAL_PRECISION = 76;

/**
 * Reads an Avro record schema (JSON text, or the parsed value) into what columns its values become. Fields are string,
 * bytes, boolean, int, long, float, double, enum, timestamp-millis and timestamp-micros (both are microseconds in the
 * column), decimal on bytes of at most 76 digits, or the union of null with one of them.
 * @throws TM_SCHEMA_INVALID when it is not an Avro schema
 * @throws TM_SCHEMA_UNSUPPORTED when it is not such a flat record
 */
export function parseRecordSchema(avsc: unknown): RecordSchema {
  const literal = typeof avsc === 'object' ? avsc : null;
  const known = literal === null ? undefined : parsed.get(literal);
  if (known !== undefined) return known;
  const record = parseAvroRecord(avsc);
  const schema = {
    name: record.name,
    fields: record.fields.map((field) => fieldSchema(field, record.name)),
    text: canonicalText(avsc),
  };
  if (literal !== null) parsed.set(literal, schema);
  return schema;
}

/** Of schemas that are literals: each task of a topology asks for them again. */
const parsed = new WeakMap<object, RecordSchema>();

/** @throws TM_SCHEMA_INVALID, TM_SCHEMA_UNSUPPORTED when the schema is not a record */
export function parseAvroRecord(avsc: unknown): AvroRecord {
  const type = parseAvroType(avsc);
  if (type.kind !== 'record') {
    throw new TidemarkError(
      'TM_SCHEMA_UNSUPPORTED',
      `The schema is of type ${type.kind}; a topic's values are records.`,
    );
  }
  return type;
}

/** The type of a field apart from null, and which branch of its union null is (-1: it cannot be null). */
export interface Unwrapped {
  readonly type: AvroType;
  readonly nullBranch: -1 | 0 | 1;
}

/** Takes the union with null off a type; null when it is a union of another shape. */
export function unwrapNullable(type: AvroType): Unwrapped | null {
  if (type.kind !== 'union') {
    return { type, nullBranch: -1 };
  }
  const [first, second] = type.branches;
  if (type.branches.length !== 2 || first === undefined || second === undefined) {
    return null;
  }
  if (first.kind === 'null') {
    return { type: second, nullBranch: 0 };
  }
  return second.kind === 'null' ? { type: first, nullBranch: 1 } : null;
}

function fieldSchema(field: AvroField, recordName: string): FieldSchema {
  const unwrapped = unwrapNullable(field.type);
  const column = unwrapped === null ? null : columnOf(unwrapped.type);
  if (unwrapped === null || column === null) {
    const found =
      field.type.kind === 'union' ? field.type.branches.map(({ kind }) => kind).join(', ') : field.type.kind;
    throw new TidemarkError(
      'TM_SCHEMA_UNSUPPORTED',
      `Field '${field.name}' of ${recordName} cannot be a column: ${found}.`,
      {
        where: `${recordName}.${field.name}`,
        hint: `Use string, bytes, boolean, int, long, float, double, enum, a timestamp, a decimal on bytes of at most ${MAX_DECIMAL_PRECISION} digits, or null with one of them.`,
      },
    );
  }
  return { name: field.name, nullable: unwrapped.nullBranch >= 0, ...column };
}

function columnOf(type: AvroType): Omit<FieldSchema, 'name' | 'nullable'> | null {
  switch (type.kind) {
    case 'string':
    case 'boolean':
    case 'int':
    case 'double':
      return { kind: type.kind };
    case 'float':
      return { kind: 'double' };
    case 'long':
      return type.logical === undefined ? { kind: 'long' } : { kind: 'long', logical: 'timestamp-micros' };
    case 'enum':
      return { kind: 'enum', symbols: type.symbols };
    case 'bytes':
      if (type.decimal === undefined) {
        return { kind: 'bytes' };
      }
      return type.decimal.precision <= MAX_DECIMAL_PRECISION ? { kind: 'decimal', ...type.decimal } : null;
    default:
      return null;
  }
}

/** Attributes in the order in which the canonical text has them; others follow by name. */
const ATTRIBUTE_ORDER =
  'type name namespace aliases logicalType precision scale size symbols items values fields default'.split(' ');

/**
 * One text for one meaning, so that registering a schema again finds the same id: no whitespace, attributes in a fixed
 * order, and no `doc`, since a reworded comment is not a new version. Defaults and logical types stay, unlike in Avro's
 * Parsing Canonical Form, because readers need them.
 */
function canonicalText(avsc: unknown): string {
  const json: unknown = typeof avsc === 'string' ? JSON.parse(avsc) : avsc;
  return JSON.stringify(json, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return value;
    }
    const entries = Object.entries(value).filter(([name]) => name !== 'doc');
    return Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
  });
}

function rank(attribute: string): number {
  const index = ATTRIBUTE_ORDER.indexOf(attribute);
  return index < 0 ? ATTRIBUTE_ORDER.length : index;
}
