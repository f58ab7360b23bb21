import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { bytesAt, decimalAt, decimalText, isNull, textAt } from '../../src/core/columnAccess.ts';
import type { BinaryColumn, Column, DecimalColumn } from '../../src/core/columns.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';

function columnOf(type: unknown, fill: (builder: ColumnsBuilder) => void): Column | undefined {
  const builder = new ColumnsBuilder(
    parseRecordSchema({ type: 'record', name: 'R', fields: [{ name: 'x', type }] }),
    1,
  );
  fill(builder);
  return builder.finish().byName.get('x');
}

describe('access to columns', () => {
  it('gives text, bytes and nulls', () => {
    const texts = ['', 'déjà vu', 'a'.repeat(100)];
    const column = columnOf(['null', 'string'], (builder) => {
      for (const text of texts) {
        builder.setText(0, text);
        builder.endRow();
      }
      builder.endRow();
    }) as BinaryColumn;
    expect(texts.map((_, row) => textAt(column, row))).toEqual(texts);
    expect([0, 1, 2, 3].map((row) => isNull(column, row))).toEqual([false, false, false, true]);
    expect(textAt(column, 3)).toBe('');
    expect(Buffer.from(bytesAt(column, 1)).toString()).toBe('déjà vu');
  });

  it('gives back the decimals that were set', () => {
    const limit = 10n ** 76n - 1n;
    const value = fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -300n, max: 300n }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        const type = { type: 'bytes', logicalType: 'decimal', precision: 76, scale: 0 };
        const column = columnOf(type, (builder) => {
          for (const each of values) {
            builder.setDecimal(0, each);
            builder.endRow();
          }
        }) as DecimalColumn;
        expect(values.map((_, row) => decimalAt(column, row))).toEqual(values);
      }),
    );
  });

  it.each([
    [0n, 3, '0'],
    [-1500n, 3, '-1.5'],
    [7n, 3, '0.007'],
    [-7n, 0, '-7'],
    [100n, 2, '1'],
    [100n, 0, '100'],
    [123456789012345678901234567890n, 18, '123456789012.34567890123456789'],
  ])('writes %d at scale %i as %s', (unscaled, scale, text) => {
    expect(decimalText(unscaled, scale)).toBe(text);
  });
});
