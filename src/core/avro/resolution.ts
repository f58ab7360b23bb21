import { TidemarkError } from '../../errors.ts';
import { DECIMAL_BYTES, writeDecimal } from '../decimalBytes.ts';
import type { RecordSchema } from '../schema.ts';
import type { AvroRecord, AvroType } from './avroType.ts';
import { parseAvroRecord, unwrapNullable } from './parseSchema.ts';

/** A field of the reader: its Avro type apart from null, whether it can be null, and what it is where the writer has none. */
export interface ReaderField {
  readonly name: string;
  readonly type: AvroType;
  readonly nullable: boolean;
  readonly fallback?: { readonly json: unknown };
}

/** What a column takes: a number (also a boolean or a code), bytes (text, or a decimal of 32), or null. */
export type Constant = number | Uint8Array | null;

/** How a writer's records become a reader's columns (Avro 1.12, "Schema Resolution"). */
export interface Resolution {
  /** In the writer's order: the value's type, and the reader's field that takes it (-1: none, it is skipped). */
  readonly steps: readonly { readonly type: AvroType; readonly field: number }[];
  /** The reader's fields that the writer does not have. */
  readonly defaults: readonly { readonly field: number; readonly value: Constant }[];
}

export function readerFields(reader: RecordSchema): readonly ReaderField[] {
  return parseAvroRecord(reader.text).fields.map((field) => {
    const unwrapped = unwrapNullable(field.type);
    const fallback = field.fallback === undefined ? {} : { fallback: field.fallback };
    return {
      name: field.name,
      type: unwrapped?.type ?? field.type,
      nullable: (unwrapped?.nullBranch ?? -1) >= 0,
      ...fallback,
    };
  });
}

/**
 * Matches fields by name. Record names are not compared: a topic's values are of one kind.
 * @throws TM_SCHEMA_INCOMPATIBLE when a field has neither a value nor a default, or no value of it could ever be read
 */
export function resolve(writer: AvroRecord, reader: readonly ReaderField[]): Resolution {
  const steps = writer.fields.map(({ name, type }) => ({
    type,
    field: reader.findIndex((each) => each.name === name),
  }));
  for (const { type, field } of steps) {
    const target = reader[field];
    if (target !== undefined && !branchesOf(type).some((branch) => isReadable(branch, target))) {
      const message = `Field '${target.name}' was written as ${type.kind} and cannot be read as ${target.type.kind}.`;
      throw new TidemarkError('TM_SCHEMA_INCOMPATIBLE', message);
    }
  }
  const written = new Set(writer.fields.map(({ name }) => name));
  const defaults = reader.flatMap((field, index) =>
    written.has(field.name) ? [] : [{ field: index, value: defaultOf(field) }],
  );
  return { steps, defaults };
}

function branchesOf(type: AvroType): readonly AvroType[] {
  return type.kind === 'union' ? type.branches : [type];
}

/** Whether a written value that is no union can become the field's value: the same type, or one that it is promoted to. */
export function isReadable(writer: AvroType, field: ReaderField): boolean {
  const reader = field.type;
  if (writer.kind === 'null') {
    return field.nullable;
  }
  switch (reader.kind) {
    case 'long':
      return writer.kind === 'int' || writer.kind === 'long';
    case 'float':
      return writer.kind === 'int' || writer.kind === 'long' || writer.kind === 'float';
    case 'double':
      return writer.kind === 'int' || writer.kind === 'long' || writer.kind === 'float' || writer.kind === 'double';
    case 'string':
      return writer.kind === 'string' || writer.kind === 'bytes';
    case 'bytes':
      return reader.decimal === undefined
        ? writer.kind === 'string' || writer.kind === 'bytes'
        : writer.kind === 'bytes' && (writer.decimal?.scale ?? reader.decimal.scale) === reader.decimal.scale;
    default:
      return writer.kind === reader.kind;
  }
}

function defaultOf({ name, type, fallback }: ReaderField): Constant {
  if (fallback === undefined) {
    throw new TidemarkError('TM_SCHEMA_INCOMPATIBLE', `Field '${name}' was not written, and has no default to read.`, {
      hint: 'Give a new field a default.',
    });
  }
  const { json } = fallback;
  if (typeof json === 'number') {
    return type.kind === 'long' && type.logical === 'timestamp-millis' ? json * 1000 : json;
  }
  if (typeof json === 'boolean') {
    return json ? 1 : 0;
  }
  if (typeof json !== 'string') {
    return null;
  }
  switch (type.kind) {
    case 'enum':
      return type.symbols.indexOf(json);
    case 'bytes':
      // The specification has default bytes as text, a code point of 0 to 255 for each.
      return type.decimal === undefined ? Buffer.from(json, 'latin1') : decimalOf(Buffer.from(json, 'latin1'));
    default:
      return Buffer.from(json, 'utf8');
  }
}

function decimalOf(bigEndian: Buffer): Uint8Array {
  const bytes = new Uint8Array(DECIMAL_BYTES);
  writeDecimal(bytes, 0, BigInt.asIntN(bigEndian.length * 8, BigInt(`0x0${bigEndian.toString('hex')}`)));
  return bytes;
}
