import type { AvroType } from './avroType.ts';
import type { Cursor, Fault } from './cursor.ts';
import { parseAvroRecord } from './parseSchema.ts';
import { type Constant, isReadable, type ReaderField, resolve } from './resolution.ts';
import { skip } from './skip.ts';
import type { Target } from './targets.ts';

/** A magic byte and the schema's id stand before each body (Confluent's wire format). */
export const FRAME_BYTES = 5;

/** A run of consecutive values of one writer's schema: those with indexes from `from` to before `to`. */
export interface Run {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** What decoding a chunk yields besides its columns. */
export interface Outcome {
  /** The index in the chunk of each row. */
  readonly rows: Int32Array;
  reject(index: number, fault: Fault): void;
}

/** Decodes a run into the targets from row `row` on; returns the next free row. */
export type DecodeRun = (cursor: Cursor, targets: readonly Target[], run: Run, row: number, outcome: Outcome) => number;

/**
 * Compiles a function that reads what one schema wrote into a reader's columns: one straight body without a branch on a
 * field's type, which V8 optimizes like handwritten code.
 * @throws TM_SCHEMA_INVALID, TM_SCHEMA_UNSUPPORTED (not a record), TM_SCHEMA_INCOMPATIBLE
 */
export function compileDecoder(writerText: string, reader: readonly ReaderField[]): DecodeRun {
  const { steps, defaults } = resolve(parseAvroRecord(writerText), reader);
  const tables: Tables = { skipped: [], symbols: [], constants: defaults.map(({ value }) => value) };
  const unpack = reader.map(
    (_, i) => `target${i} = targets[${i}], values${i} = target${i}.values, nulls${i} = target${i}.nulls`,
  );
  const code = [
    ...steps.map(({ type, field }) => {
      const target = reader[field];
      return target === undefined ? skipCode(type, tables) : readCode(type, target, field, tables);
    }),
    ...defaults.map(({ field, value }, index) => constantCode(reader[field], field, value, index)),
  ];
  const body = `
    const { skip, skipped, symbols, constants } = runtime;
    return function decodeRun(c, targets, run, row, outcome) {
      const { starts, ends, from, to } = run;
      const rows = outcome.rows;
      ${unpack.length === 0 ? '' : `const ${unpack.join(',\n        ')};`}
      for (let i = from; i < to; i++) {
        c.open(starts[i] + ${FRAME_BYTES}, ends[i]);
        ${code.join('\n        ')}
        if (c.complete()) {
          rows[row++] = i;
        } else {
          outcome.reject(i, c.fault);
        }
      }
      return row;
    };`;
  // The code is made of numbers and the names above alone: no text of a schema gets into it.
  return new Function('runtime', body)({ skip, ...tables }) as DecodeRun;
}

/** What the generated code finds by number. */
interface Tables {
  /** Types of values that are skipped. */
  readonly skipped: AvroType[];
  /** For an enum: the reader's code by the writer's, -1 where the reader has no such symbol. */
  readonly symbols: Int32Array[];
  readonly constants: Constant[];
}

function readCode(type: AvroType, field: ReaderField, i: number, tables: Tables): string {
  if (type.kind !== 'union') {
    return branchCode(type, field, i, tables);
  }
  const cases = type.branches.map((branch, index) => {
    const code = isReadable(branch, field) ? branchCode(branch, field, i, tables) : `c.fail('schema');`;
    return `case ${index}: { ${code} break; }`;
  });
  return `switch (c.index(${type.branches.length})) { ${cases.join(' ')} }`;
}

function branchCode(type: AvroType, field: ReaderField, i: number, tables: Tables): string {
  if (type.kind === 'null') {
    return nullCode(field, i);
  }
  return `${field.nullable ? `nulls${i}[row] = 0; ` : ''}${valueCode(type, field.type, i, tables)}`;
}

function nullCode(field: ReaderField, i: number): string {
  return `nulls${i}[row] = 1; ${isScalar(field.type) ? `values${i}[row] = 0;` : `target${i}.putNull(row);`}`;
}

function isScalar({ kind }: AvroType): boolean {
  return kind !== 'string' && kind !== 'bytes';
}

function valueCode(writer: AvroType, reader: AvroType, i: number, tables: Tables): string {
  switch (reader.kind) {
    case 'string':
      return `target${i}.readText(c, row);`;
    case 'bytes':
      return reader.decimal === undefined ? `target${i}.readBytes(c, row);` : `target${i}.read(c, row);`;
    case 'enum': {
      const table = tables.symbols.push(symbolTable(writer, reader)) - 1;
      const code = `symbols[${table}][c.index(symbols[${table}].length)]`;
      return `if ((values${i}[row] = ${code}) < 0) c.fail('schema');`;
    }
    case 'float':
      return `values${i}[row] = Math.fround(c.${writer.kind}());`;
    case 'long':
      return `values${i}[row] = c.${isMillis(writer, reader) ? 'millisAsMicros' : writer.kind}();`;
    default:
      return `values${i}[row] = c.${writer.kind}();`;
  }
}

/** Columns of time hold microseconds. Where the writer says no unit, it is the reader's. */
function isMillis(writer: AvroType, reader: AvroType): boolean {
  const readAs = reader.kind === 'long' ? reader.logical : undefined;
  const writtenAs = writer.kind === 'long' ? writer.logical : undefined;
  return readAs !== undefined && (writtenAs ?? readAs) === 'timestamp-millis';
}

function symbolTable(writer: AvroType, reader: AvroType): Int32Array {
  if (writer.kind !== 'enum' || reader.kind !== 'enum') {
    return new Int32Array(0);
  }
  const fallback = reader.fallback === undefined ? -1 : reader.symbols.indexOf(reader.fallback);
  return Int32Array.from(writer.symbols, (symbol) => {
    const code = reader.symbols.indexOf(symbol);
    return code < 0 ? fallback : code;
  });
}

function constantCode(field: ReaderField | undefined, i: number, value: Constant, index: number): string {
  if (field === undefined) {
    return '';
  }
  if (value === null) {
    return nullCode(field, i);
  }
  const put = isScalar(field.type)
    ? `values${i}[row] = constants[${index}];`
    : `target${i}.put(constants[${index}], row);`;
  return `${field.nullable ? `nulls${i}[row] = 0; ` : ''}${put}`;
}

/** Flat values are passed over in place; what holds others is left to `skip`. */
function skipCode(type: AvroType, tables: Tables): string {
  switch (type.kind) {
    case 'int':
    case 'long':
      return 'c.skipLong();';
    case 'float':
      return 'c.skip(4);';
    case 'double':
      return 'c.skip(8);';
    case 'string':
    case 'bytes':
      return 'c.skipBytes();';
    case 'union': {
      const cases = type.branches.map((branch, index) => `case ${index}: ${skipCode(branch, tables)} break;`);
      return `switch (c.index(${type.branches.length})) { ${cases.join(' ')} }`;
    }
    default:
      return `skip(c, skipped[${tables.skipped.push(type) - 1}]);`;
  }
}
