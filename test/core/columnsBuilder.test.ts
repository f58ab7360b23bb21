import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';

const schema = parseRecordSchema({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'n', type: ['null', 'double'] },
    { name: 'flag', type: ['null', 'boolean'] },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
    { name: 'amount', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 3, scale: 1 }] },
  ],
});

describe('ColumnsBuilder', () => {
  it('grows, and lays values out as the columns say', () => {
    const builder = new ColumnsBuilder(schema, 2);
    for (let i = 0; i < 5; i++) {
      builder.setText(builder.fieldIndex('text'), 'x'.repeat(i));
      if (i % 2 === 0) {
        builder.setNumber(1, i / 2);
        builder.setBoolean(2, i === 4);
        builder.setCode(3, 1);
        builder.setDecimal(4, BigInt(-i));
      }
      builder.endRow();
    }
    expect(builder.length).toBe(5);
    const { length, byName } = builder.finish();
    const nulls = Uint8Array.of(0, 1, 0, 1, 0);
    expect(length).toBe(5);
    expect(byName.get('text')).toEqual({
      kind: 'string',
      bytes: new Uint8Array(10).fill(120),
      offsets: Int32Array.of(0, 0, 1, 3, 6, 10),
    });
    expect(byName.get('n')).toEqual({ kind: 'double', values: Float64Array.of(0, 0, 1, 0, 2), nulls });
    expect(byName.get('flag')).toEqual({ kind: 'boolean', values: Uint8Array.of(0, 0, 0, 0, 1), nulls });
    expect(byName.get('side')).toEqual({
      kind: 'enum',
      codes: Int32Array.of(1, 0, 1, 0, 1),
      symbols: ['buy', 'sell'],
      nulls,
    });
    const minusTwo = [0xfe, ...new Array<number>(31).fill(0xff)];
    const minusFour = [0xfc, ...new Array<number>(31).fill(0xff)];
    const zero = new Array<number>(32).fill(0);
    expect(byName.get('amount')).toEqual({
      kind: 'decimal',
      precision: 3,
      scale: 1,
      bytes: Uint8Array.from([zero, zero, minusTwo, zero, minusFour].flat()),
      nulls,
    });
  });

  it('takes the last of what was set, and leaves no trace of an abandoned row', () => {
    const builder = new ColumnsBuilder(schema);
    builder.setText(0, 'a long text that is not kept, of more than one word');
    builder.setNumber(1, 1);
    builder.setCode(3, 1);
    builder.abandonRow();
    builder.setText(0, 'first');
    builder.setText(0, 'bé');
    builder.setNumber(1, 2);
    builder.setNull(1);
    builder.endRow();
    const { length, byName } = builder.finish();
    expect(length).toBe(1);
    expect(byName.get('text')).toMatchObject({
      bytes: Uint8Array.from(Buffer.from('bé')),
      offsets: Int32Array.of(0, 3),
    });
    expect(byName.get('n')).toMatchObject({ values: Float64Array.of(0), nulls: Uint8Array.of(1) });
    expect(byName.get('side')).toMatchObject({ codes: Int32Array.of(0), nulls: Uint8Array.of(1) });
  });

  it('starts afresh after it has handed over', () => {
    const builder = new ColumnsBuilder(schema, 1);
    builder.setText(0, 'a');
    builder.endRow();
    builder.setText(0, 'begun');
    const first = builder.finish();
    expect(builder.length).toBe(0);
    builder.setText(0, 'b');
    builder.endRow();
    expect(builder.finish().byName.get('text')).toMatchObject({ bytes: Uint8Array.of(98) });
    expect(first.byName.get('text')).toMatchObject({ bytes: Uint8Array.of(97) });
  });

  it('copies bytes and decimals from a buffer', () => {
    const builder = new ColumnsBuilder(schema, 1);
    const source = Uint8Array.from({ length: 100 }, (_, i) => i);
    for (const end of [20, 90]) {
      builder.setBytes(0, source, 10, end);
      builder.setDecimalBytes(4, source, 3);
      builder.endRow();
    }
    const { byName } = builder.finish();
    expect(byName.get('text')).toMatchObject({
      bytes: Uint8Array.from([...source.subarray(10, 20), ...source.subarray(10, 90)]),
    });
    const decimal = [...source.subarray(3, 35)];
    expect(byName.get('amount')).toMatchObject({ bytes: Uint8Array.from([...decimal, ...decimal]) });
  });

  it('does not end a row that lacks a field, and can go on with it', () => {
    const builder = new ColumnsBuilder(schema);
    expect(() => builder.endRow()).toThrow(
      expect.objectContaining({ code: 'TM_ROW_INCOMPLETE', message: expect.stringContaining("'text'") }),
    );
    builder.setText(0, 'a');
    builder.endRow();
    expect(builder.length).toBe(1);
  });

  it('refuses fields and values that the schema does not have', () => {
    const builder = new ColumnsBuilder(schema);
    expect(() => builder.fieldIndex('nope')).toThrow(expect.objectContaining({ code: 'TM_COLUMN_UNKNOWN' }));
    expect(() => builder.setNumber(9, 1)).toThrow(expect.objectContaining({ code: 'TM_COLUMN_UNKNOWN' }));
    expect(() => builder.setNumber(0, 1)).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
    expect(() => builder.setText(1, 'a')).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
    expect(() => builder.setDecimal(1, 1n)).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
    expect(() => builder.setDecimal(4, 1000n)).toThrow(expect.objectContaining({ code: 'TM_VALUE_RANGE' }));
    expect(() => builder.setDecimal(4, -1000n)).toThrow(expect.objectContaining({ code: 'TM_VALUE_RANGE' }));
    builder.setDecimal(4, 999n);
  });
});
