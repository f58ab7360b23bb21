import avsc from 'avsc';
import { TidemarkError } from '../../errors.ts';

/**
 * An Avro schema as a tree with its names resolved (Avro 1.12 specification, "Schema Declaration"). Logical types that
 * Tidemark does not know are left out: the specification has readers fall back to the underlying type.
 */
export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'int' | 'float' | 'double' | 'string' }
  | { readonly kind: 'long'; readonly logical?: 'timestamp-millis' | 'timestamp-micros' }
  | { readonly kind: 'bytes'; readonly decimal?: Decimal }
  | { readonly kind: 'enum'; readonly symbols: readonly string[]; readonly fallback?: string }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord;

export interface Decimal {
  readonly precision: number;
  readonly scale: number;
}

export interface AvroRecord {
  readonly kind: 'record';
  readonly name: string;
  /** Filled after the record is named, because a record may hold itself. */
  readonly fields: readonly AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  /** The default as JSON; absent when the field has none (a default may be null). */
  readonly fallback?: { readonly json: unknown };
}

type Json = Readonly<Record<string, unknown>>;

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'] as const;

/**
 * Reads a schema given as JSON text or as the parsed value.
 * @throws TM_SCHEMA_INVALID when it is not JSON or not an Avro schema
 */
export function parseAvroType(schema: unknown): AvroType {
  try {
    const json: unknown = typeof schema === 'string' ? JSON.parse(schema) : schema;
    // avsc checks everything that this reader then relies on. It takes a copy, since avsc's types do not admit constants.
    avsc.Type.forSchema(JSON.parse(JSON.stringify(json)));
    return typeOf(json, new Map(), '');
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('TM_SCHEMA_INVALID', `This is not an Avro schema: ${message}`, { cause });
  }
}

function typeOf(json: unknown, named: Map<string, AvroType>, namespace: string): AvroType {
  if (typeof json === 'string') {
    return primitive(json, {}) ?? lookUp(json, named, namespace);
  }
  if (Array.isArray(json)) {
    return { kind: 'union', branches: json.map((branch) => typeOf(branch, named, namespace)) };
  }
  if (!isObject(json)) {
    throw new TypeError(`unexpected ${JSON.stringify(json)}`);
  }
  switch (json.type) {
    case 'array':
      return { kind: 'array', items: typeOf(json.items, named, namespace) };
    case 'map':
      return { kind: 'map', values: typeOf(json.values, named, namespace) };
    case 'enum':
    case 'fixed':
    case 'record':
    case 'error':
      return namedType(json, named, namespace);
    default:
      return (typeof json.type === 'string' ? primitive(json.type, json) : null) ?? typeOf(json.type, named, namespace);
  }
}

function primitive(name: string, attributes: Json): AvroType | null {
  const kind = PRIMITIVES.find((each) => each === name);
  const logical = attributes.logicalType;
  if (kind === 'long') {
    return logical === 'timestamp-millis' || logical === 'timestamp-micros' ? { kind, logical } : { kind };
  }
  if (kind === 'bytes') {
    const decimal = logical === 'decimal' ? decimalOf(attributes) : null;
    return decimal === null ? { kind } : { kind, decimal };
  }
  return kind === undefined ? null : { kind };
}

/** A decimal whose attributes make no sense is plain bytes, as the specification says of invalid logical types. */
function decimalOf({ precision, scale = 0 }: Json): Decimal | null {
  const valid =
    typeof precision === 'number' &&
    typeof scale === 'number' &&
    Number.isInteger(precision) &&
    Number.isInteger(scale) &&
    precision > 0 &&
    scale >= 0 &&
    scale <= precision;
  return valid ? { precision, scale } : null;
}

function namedType(json: Json, named: Map<string, AvroType>, outer: string): AvroType {
  const name = String(json.name);
  const dot = name.lastIndexOf('.');
  const namespace = dot >= 0 ? name.slice(0, dot) : typeof json.namespace === 'string' ? json.namespace : outer;
  const fullName = dot >= 0 || namespace === '' ? name : `${namespace}.${name}`;
  if (json.type === 'enum') {
    const symbols = asArray(json.symbols).map(String);
    const fallback = typeof json.default === 'string' ? { fallback: json.default } : {};
    return remember(named, fullName, { kind: 'enum', symbols, ...fallback });
  }
  if (json.type === 'fixed') {
    return remember(named, fullName, { kind: 'fixed', size: Number(json.size) });
  }
  const fields: AvroField[] = [];
  const record = remember(named, fullName, { kind: 'record', name: fullName, fields });
  for (const field of asArray(json.fields)) {
    if (isObject(field)) {
      const fallback = field.default === undefined ? {} : { fallback: { json: field.default } };
      fields.push({ name: String(field.name), type: typeOf(field.type, named, namespace), ...fallback });
    }
  }
  return record;
}

function remember(named: Map<string, AvroType>, fullName: string, type: AvroType): AvroType {
  named.set(fullName, type);
  return type;
}

function lookUp(name: string, named: Map<string, AvroType>, namespace: string): AvroType {
  const type = named.get(namespace === '' || name.includes('.') ? name : `${namespace}.${name}`) ?? named.get(name);
  if (type === undefined) {
    throw new TypeError(`unknown type ${name}`);
  }
  return type;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
