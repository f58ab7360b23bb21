import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import type { AvroRow, AvroValue, DecimalText } from '../../../src/core/avro/row.ts';
import { RowView } from '../../../src/core/avro/rowView.ts';
import { ColumnsBuilder } from '../../../src/core/columnsBuilder.ts';
import type { Bar, Tick } from '../../../src/schemas.generated.ts';

const schema = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'raw', type: 'bytes' },
    { name: 'n', type: ['null', 'long'] },
    { name: 'flag', type: ['boolean', 'null'] },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 3 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' }, default: 0 },
    { name: 'constructor', type: { type: 'string' } },
  ],
} as const;
type Row = AvroRow<typeof schema>;

describe('AvroRow', () => {
  it('gives each field the type of its values', () => {
    expectTypeOf<Row>().toEqualTypeOf<{
      readonly text: string;
      readonly raw: Uint8Array;
      readonly n: number | null;
      readonly flag: boolean | null;
      readonly side: 'buy' | 'sell' | null;
      readonly amount: DecimalText;
      readonly at: number;
      readonly constructor: string;
    }>();
    expectTypeOf<Tick['side']>().toEqualTypeOf<'buy' | 'sell' | null>();
    expectTypeOf<Bar['volume']>().toEqualTypeOf<DecimalText | null>();
  });

  it('gives any fields where the schema is no literal', () => {
    expectTypeOf<AvroRow<unknown>>().toEqualTypeOf<Readonly<Record<string, AvroValue>>>();
  });
});

describe('RowView', () => {
  const parsed = parseRecordSchema(schema);

  function columns(text: string) {
    const builder = new ColumnsBuilder(parsed);
    for (const withNulls of [false, true]) {
      builder.setText(0, text);
      builder.setBytes(1, Uint8Array.of(1, 2), 0, 2);
      if (!withNulls) {
        builder.setNumber(2, 5);
        builder.setBoolean(3, true);
        builder.setCode(4, 1);
      }
      builder.setDecimal(5, -1500n);
      builder.setNumber(6, 2 ** 50);
      builder.setText(7, 'c');
      builder.endRow();
    }
    return builder.finish();
  }

  it('shows the rows of columns as one object that moves', () => {
    const view = new RowView<Row>(parsed);
    view.bind(columns('naïve'));
    const row = view.at(0);
    const rest = { text: 'naïve', raw: Uint8Array.of(1, 2), amount: '-1.5', at: 2 ** 50, constructor: 'c' };
    expect({ ...row }).toEqual({ ...rest, n: 5, flag: true, side: 'sell' });
    expect(view.at(1)).toBe(row);
    expect({ ...row }).toEqual({ ...rest, n: null, flag: null, side: null });
    view.bind(columns('next'));
    expect(row.text).toBe('next');
  });

  it('refuses columns of another schema', () => {
    const view = new RowView<Row>(parsed);
    const given = columns('a');
    expect(() => view.bind({ length: 0, byName: new Map() })).toThrow(
      expect.objectContaining({ code: 'TM_COLUMN_UNKNOWN' }),
    );
    for (const [name] of given.byName) {
      const other = given.byName.get(name === 'text' ? 'flag' : 'text');
      const byName = new Map([...given.byName].map((entry) => (entry[0] === name && other ? [name, other] : entry)));
      const mixed = { length: 2, byName };
      if (name === 'constructor') {
        view.bind(mixed);
      } else {
        expect(() => view.bind(mixed)).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
      }
    }
  });
});
