import { TidemarkError } from '../../errors.ts';
import { enlarged } from '../binaryBytes.ts';
import type { Columns } from '../columns.ts';
import { DECIMAL_BYTES } from '../decimalBytes.ts';
import type { RecordSchema } from '../schema.ts';
import { bindColumns, type EncoderField, type FieldSource } from './encoderSources.ts';
import { parseAvroRecord, unwrapNullable } from './parseSchema.ts';
import { MAX_LONG_BYTES, writeBytes, writeDecimal, writeLong } from './writers.ts';

/** Encoded records: value i is `values[valueOffsets[i], valueOffsets[i + 1])`. */
export interface EncodedValues {
  readonly values: Uint8Array;
  readonly valueOffsets: Int32Array;
}

export interface Encoder {
  /**
   * Encodes rows of columns, in the order given (null: all rows), each framed for Confluent's registry: a zero byte, the
   * schema's id as four bytes big endian, the Avro body. The result is the caller's.
   * @throws TM_COLUMN_UNKNOWN when the columns lack a field, TM_COLUMN_KIND when one is of another kind
   * @throws TM_ROW_INCOMPLETE for a null in a field that cannot be null
   * @throws TM_VALUE_RANGE for a number that is not a value of its Avro type, TM_COLUMN_FULL past 2 GiB of values
   */
  encode(columns: Columns, rows: Int32Array | null, schemaId: number): EncodedValues;
}

const FRAME_BYTES = 5;

/** A guess for the first batch; each later one starts from what the last took. */
const FIRST_BYTES_PER_ROW = 64;

/**
 * Compiles a schema to a function over its columns: one straight body without a branch on the field's type, which V8
 * optimizes like handwritten code.
 * @throws TM_SCHEMA_UNSUPPORTED for a timestamp-millis field: columns hold microseconds, and writing would cut them
 */
export function compileEncoder(schema: RecordSchema): Encoder {
  const fields = encoderFields(schema);
  const encodeRows = generate(fields);
  let bytesPerRow = FIRST_BYTES_PER_ROW;
  return {
    encode(columns, rows, schemaId) {
      const count = rows === null ? columns.length : rows.length;
      const sources = bindColumns(fields, columns, rows);
      const valueOffsets = new Int32Array(count + 1);
      const out = new Uint8Array((count + 1) * bytesPerRow);
      const values = encodeRows(sources, rows, count, schemaId, out, valueOffsets);
      bytesPerRow = Math.max(1, Math.ceil((values.length / Math.max(1, count)) * 1.1));
      return { values, valueOffsets };
    },
  };
}

function encoderFields(schema: RecordSchema): readonly EncoderField[] {
  return parseAvroRecord(schema.text).fields.map(({ name, type }, index) => {
    const unwrapped = unwrapNullable(type);
    const field = schema.fields[index];
    if (
      unwrapped === null ||
      field === undefined ||
      (unwrapped.type.kind === 'long' && unwrapped.type.logical === 'timestamp-millis')
    ) {
      throw new TidemarkError(
        'TM_SCHEMA_UNSUPPORTED',
        `Field '${name}' of ${schema.name} can be read but not written.`,
        {
          where: `${schema.name}.${name}`,
          hint: 'Declare it as timestamp-micros.',
        },
      );
    }
    return { field, type: unwrapped.type, nullBranch: unwrapped.nullBranch };
  });
}

/** Writes all rows into `out`, or into larger buffers that take its place; returns what is written. */
type EncodeRows = (
  sources: readonly FieldSource[],
  rows: Int32Array | null,
  count: number,
  schemaId: number,
  out: Uint8Array,
  offsets: Int32Array,
) => Uint8Array;

function generate(fields: readonly EncoderField[]): EncodeRows {
  const unpack = fields.map((_, i) =>
    ['values', 'bytes', 'offsets', 'nulls'].map((array) => `${array}${i} = sources[${i}].${array}`).join(', '),
  );
  const body = `
    const { writeLong, writeBytes, writeDecimal, enlarged, refuse } = runtime;
    return function encodeRows(sources, rows, count, schemaId, out, valueOffsets) {
      const ${unpack.join(',\n        ')};
      let view = new DataView(out.buffer);
      let p = 0;
      for (let k = 0; k < count; k++) {
        const row = rows === null ? k : rows[k];
        const most = p + ${[FRAME_BYTES, ...fields.map(roomCode)].join(' + ')};
        if (most > out.length) {
          out = enlarged(out, most, 'The encoded batch');
          view = new DataView(out.buffer);
        }
        out[p] = 0;
        view.setInt32(p + 1, schemaId);
        p += ${FRAME_BYTES};
        ${fields.map(fieldCode).join('\n        ')}
        valueOffsets[k + 1] = p;
      }
      return out.subarray(0, p);
    };`;
  // The code is made of numbers and the names above alone: no text of the schema gets into it.
  return new Function('runtime', body)({
    writeLong,
    writeBytes,
    writeDecimal,
    enlarged,
    refuse: refuser(fields),
  }) as EncodeRows;
}

/** The most bytes that a field takes, its union's branch included. */
function roomCode({ type }: EncoderField, i: number): string {
  if (type.kind === 'bytes' && type.decimal !== undefined) {
    return String(2 + DECIMAL_BYTES);
  }
  const fixed = String(1 + MAX_LONG_BYTES);
  return type.kind === 'string' || type.kind === 'bytes' ? `${fixed} + offsets${i}[row + 1] - offsets${i}[row]` : fixed;
}

function fieldCode(field: EncoderField, i: number): string {
  const { nullBranch } = field;
  if (nullBranch < 0) {
    return valueCode(field, i);
  }
  const isNull = `nulls${i} !== null && nulls${i}[row] === 1`;
  return `if (${isNull}) { out[p++] = ${nullBranch * 2}; } else { out[p++] = ${(1 - nullBranch) * 2}; ${valueCode(field, i)} }`;
}

function valueCode({ type }: EncoderField, i: number): string {
  const value = `values${i}[row]`;
  const writeChecked = (valid: string): string =>
    `{ const v = ${value}; if (!(${valid})) refuse(${i}, row, v); p = writeLong(out, p, v); }`;
  switch (type.kind) {
    case 'boolean':
      return `out[p++] = ${value} === 0 ? 0 : 1;`;
    case 'int':
      return writeChecked('(v | 0) === v');
    case 'long':
      return writeChecked('Number.isSafeInteger(v)');
    case 'enum':
      return writeChecked(`v >= 0 && v < ${type.symbols.length}`);
    case 'float':
      return `view.setFloat32(p, ${value}, true); p += 4;`;
    case 'double':
      return `view.setFloat64(p, ${value}, true); p += 8;`;
    case 'bytes':
      if (type.decimal !== undefined) {
        return `p = writeDecimal(out, p, bytes${i}, row * ${DECIMAL_BYTES});`;
      }
      return binaryCode(i);
    default:
      return binaryCode(i);
  }
}

function binaryCode(i: number): string {
  return `p = writeBytes(out, p, bytes${i}, offsets${i}[row], offsets${i}[row + 1]);`;
}

function refuser(fields: readonly EncoderField[]): (index: number, row: number, value: number) => never {
  return (index, row, value) => {
    const field = fields[index];
    throw new TidemarkError(
      'TM_VALUE_RANGE',
      `Field '${field?.field.name}' has ${value} in row ${row}, which is no Avro ${field?.type.kind}.`,
      { hint: 'A long is a whole number of at most 2^53 - 1, an int of 32 bits, an enum the index of a symbol.' },
    );
  };
}
