import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileEncoder } from '../../../src/core/avro/encoder.ts';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import type { Column, Columns } from '../../../src/core/columns.ts';
import { ColumnsBuilder } from '../../../src/core/columnsBuilder.ts';

const everyKind = {
  type: 'record',
  name: 'EveryKind',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'raw', type: ['null', 'bytes'] },
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'time', type: ['null', { type: 'long', logicalType: 'timestamp-micros' }] },
    { name: 'float', type: 'float' },
    { name: 'double', type: ['double', 'null'] },
    { name: 'flag', type: 'boolean' },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 76, scale: 18 } },
  ],
} as const;

/** avsc's own longs are exact to 2^52 only; `writers.test.ts` goes on to 2^53. */
const AVSC_LONG = 2 ** 52 - 1;
const safeLong = fc.oneof(
  fc.maxSafeInteger().filter((value) => Math.abs(value) <= AVSC_LONG),
  fc.integer({ min: -(2 ** 35), max: 2 ** 35 }),
  fc.integer(),
);
const MAX_DECIMAL = 10n ** 76n - 1n;

const row = fc.record({
  text: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 60, maxLength: 200 })),
  raw: fc.option(fc.uint8Array({ maxLength: 60 })),
  int: fc.integer(),
  long: safeLong,
  time: fc.option(safeLong),
  float: fc.float({ noNaN: true }),
  double: fc.option(fc.double({ noNaN: true })),
  flag: fc.boolean(),
  side: fc.option(fc.constantFrom(0, 1)),
  amount: fc.oneof(fc.bigInt({ min: -MAX_DECIMAL, max: MAX_DECIMAL }), fc.bigInt({ min: -70000n, max: 70000n })),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

const schema = parseRecordSchema(everyKind);

function columnsOf(rows: readonly Row[]): Columns {
  const builder = new ColumnsBuilder(schema, 1);
  for (const each of rows) {
    builder.setText(0, each.text);
    if (each.raw !== null) builder.setBytes(1, each.raw, 0, each.raw.length);
    builder.setNumber(2, each.int);
    builder.setNumber(3, each.long);
    if (each.time !== null) builder.setNumber(4, each.time);
    builder.setNumber(5, each.float);
    if (each.double !== null) builder.setNumber(6, each.double);
    builder.setBoolean(7, each.flag);
    if (each.side !== null) builder.setCode(8, each.side);
    builder.setDecimal(9, each.amount);
    builder.endRow();
  }
  return builder.finish();
}

/** Avro's decimal by definition: big-endian two's complement. */
function unscaled(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

describe('compileEncoder', () => {
  const oracle = avsc.Type.forSchema(JSON.parse(JSON.stringify(everyKind)), { wrapUnions: false });
  const encoder = compileEncoder(schema);

  it('writes what avsc reads back', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (rows, id) => {
        const { values, valueOffsets } = encoder.encode(columnsOf(rows), null, id);
        expect(valueOffsets).toHaveLength(rows.length + 1);
        rows.forEach((expected, i) => {
          const record = Buffer.from(values.subarray(valueOffsets[i], valueOffsets[i + 1]));
          expect(record[0]).toBe(0);
          expect(record.readInt32BE(1)).toBe(id);
          const { amount, raw, ...actual } = oracle.fromBuffer(record.subarray(5));
          expect(unscaled(amount)).toBe(expected.amount);
          expect(raw === null ? null : new Uint8Array(raw)).toEqual(expected.raw);
          expect({ ...actual }).toEqual({
            text: Buffer.from(expected.text).toString(),
            int: expected.int,
            long: expected.long,
            time: expected.time,
            float: expected.float,
            double: expected.double,
            flag: expected.flag,
            side: expected.side === null ? null : ['buy', 'sell'][expected.side],
          });
          // avsc writes the same bytes, so nothing is longer than it must be.
          expect(record.subarray(5)).toEqual(oracle.toBuffer({ ...actual, raw, amount }));
        });
      }),
    );
  });

  it('encodes the rows asked for, in their order', () => {
    const small = parseRecordSchema({ type: 'record', name: 'R', fields: [{ name: 'n', type: 'int' }] });
    const builder = new ColumnsBuilder(small);
    for (const value of [1, 2, 3]) {
      builder.setNumber(0, value);
      builder.endRow();
    }
    const { values, valueOffsets } = compileEncoder(small).encode(builder.finish(), Int32Array.of(2, 0, 2), 7);
    expect([...values]).toEqual([0, 0, 0, 0, 7, 6, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 7, 6]);
    expect([...valueOffsets]).toEqual([0, 6, 12, 18]);
  });

  it.each([
    ['int', 2 ** 31],
    ['int', 0.5],
    ['long', 2 ** 53],
    ['long', -1.5],
    ['long', Number.NaN],
  ])('refuses what is no %s: %s', (type, value) => {
    const small = parseRecordSchema({ type: 'record', name: 'R', fields: [{ name: 'n', type }] });
    const builder = new ColumnsBuilder(small);
    builder.setNumber(0, value);
    builder.endRow();
    const columns = builder.finish();
    expect(() => compileEncoder(small).encode(columns, null, 1)).toThrow(
      expect.objectContaining({ code: 'TM_VALUE_RANGE', message: expect.stringContaining("'n'") }),
    );
  });

  it('refuses columns that do not fit its schema', () => {
    const nullable = columnsOf([]);
    const without = new Map([...nullable.byName].filter(([name]) => name !== 'text'));
    expect(() => encoder.encode({ length: 0, byName: without }, null, 1)).toThrow(
      expect.objectContaining({ code: 'TM_COLUMN_UNKNOWN' }),
    );
    const text = { kind: 'boolean', values: new Uint8Array(0) } as const;
    expect(() =>
      encoder.encode({ length: 0, byName: new Map<string, Column>([...without, ['text', text]]) }, null, 1),
    ).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
    const flag = { kind: 'boolean', values: Uint8Array.of(0), nulls: Uint8Array.of(1) } as const;
    expect(() =>
      encoder.encode({ length: 1, byName: new Map<string, Column>([...nullable.byName, ['flag', flag]]) }, null, 1),
    ).toThrow(expect.objectContaining({ code: 'TM_ROW_INCOMPLETE' }));
  });

  it('does not write milliseconds from columns of microseconds', () => {
    const millis = parseRecordSchema({
      type: 'record',
      name: 'R',
      fields: [{ name: 't', type: { type: 'long', logicalType: 'timestamp-millis' } }],
    });
    expect(() => compileEncoder(millis)).toThrow(expect.objectContaining({ code: 'TM_SCHEMA_UNSUPPORTED' }));
  });
});
