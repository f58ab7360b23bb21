import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDecimal } from '../../src/core/decimalBytes.ts';
import { DecimalSums } from '../../src/core/decimalSums.ts';
import { ScaledColumn } from '../../src/core/scaledColumn.ts';
import { effort } from '../support/effort.ts';
import { nearestQuotient } from '../support/oracle/decimal.ts';

const SCALE = 36;
const ONE = 10n ** BigInt(SCALE);

/** The value of a decimal text, as an integer at 36 decimals. */
function exact(text: string): bigint {
  const [coefficient = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = coefficient.split('.');
  const shift = SCALE + Number(exponent) - fraction.length;
  return BigInt(whole + fraction) * 10n ** BigInt(shift);
}

const at = (unscaled: bigint) => ({ unscaled, scale: SCALE });

/** Decimals of at most 15 digits and 18 places, as text; most of them of few places, as prices are. */
const digits = fc.bigInt({ min: -999_999_999_999_999n, max: 999_999_999_999_999n });
const decimals = fc.oneof(
  fc.tuple(digits, fc.integer({ min: 0, max: 18 })).map(([whole, places]) => `${whole}e-${places}`),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 0, max: 4 })).map(([n, s]) => `${n}e-${s}`),
  fc.constantFrom('9007199254740991', '-9007199254740991', '1e-18', '123456789012345e3', '0', '1e18'),
);
const slots = fc.integer({ min: 0, max: 2 });

/** The texts as one column. */
function column(texts: readonly string[], highestScale = 22): ScaledColumn {
  const scaled = new ScaledColumn(highestScale);
  scaled.read({ kind: 'double', values: Float64Array.from(texts, Number) });
  return scaled;
}

function add(sums: DecimalSums, added: readonly (readonly [number, string])[]): void {
  const rows = Int32Array.from(added, (_, row) => row);
  sums.reserve(3);
  sums.addColumn(
    rows,
    Int32Array.from(added, ([slot]) => slot),
    0,
    rows.length,
    column(added.map(([, text]) => text)),
  );
}

function totals(added: readonly (readonly [number, string])[]): bigint[] {
  const sums = [0n, 0n, 0n];
  for (const [slot, text] of added) sums[slot] = (sums[slot] ?? 0n) + exact(text);
  return sums;
}

describe('exact decimal sums', () => {
  it('equal the sum of the decimals, whatever their scales and order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(slots, decimals), { maxLength: 40 }), (added) => {
        const sums = new DecimalSums(SCALE);
        add(sums, added);
        const expected = totals(added);
        expect([0, 1, 2].map((slot) => sums.unscaled(slot))).toEqual(expected);
        const { bytes } = sums.column(Int32Array.of(0, 1, 2));
        expect([0, 1, 2].map((slot) => readDecimal(bytes, slot * 32))).toEqual(expected);
      }),
      { numRuns: effort(2_000) },
    );
  });

  it('equal the sum of products', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(slots, decimals, decimals), { maxLength: 20 }), (added) => {
        const sums = new DecimalSums(SCALE);
        sums.reserve(3);
        const rows = Int32Array.from(added, (_, row) => row);
        const [a, b] = [column(added.map(([, text]) => text)), column(added.map(([, , text]) => text))];
        sums.addProducts(
          rows,
          Int32Array.from(added, ([slot]) => slot),
          0,
          rows.length,
          a,
          b,
        );
        const expected = [0n, 0n, 0n];
        for (const [slot, x, y] of added) expected[slot] = (expected[slot] ?? 0n) + (exact(x) * exact(y)) / ONE;
        expect([0, 1, 2].map((slot) => sums.unscaled(slot))).toEqual(expected);
        sums.merge(Int32Array.of(0, 1), Int32Array.of(1, 2));
        expect(sums.unscaled(2)).toBe(expected.reduce((total, sum) => total + sum));
        expect(sums.count(2)).toBe(added.length);
      }),
      { numRuns: effort(2_000) },
    );
  });

  it('divide to the nearest double', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(slots, decimals), { minLength: 1, maxLength: 20 }), decimals, (added, divisor) => {
        const first = added.map(([, text]) => [0, text] as const);
        const [sums, divisors] = [new DecimalSums(SCALE), new DecimalSums(18)];
        add(sums, first);
        add(divisors, [[0, divisor]]);
        const [total = 0n] = totals(first);
        expect(sums.mean(0)).toBe(nearestQuotient(at(total), at(BigInt(first.length) * ONE)));
        if (!divisors.isZero(0)) expect(sums.ratio(0, divisors)).toBe(nearestQuotient(at(total), at(exact(divisor))));
      }),
      { numRuns: effort(2_000) },
    );
  });

  it('divide to the even one of two doubles that are equally near', () => {
    const sums = new DecimalSums(SCALE);
    add(sums, [
      [0, '9007199254740991'],
      [0, '9007199254740990'],
      [1, '9007199254740989'],
      [1, '9007199254740990'],
    ]);
    expect(sums.mean(0)).toBe(9_007_199_254_740_990);
    expect(sums.mean(1)).toBe(9_007_199_254_740_990);
  });

  it('add 0.1 and 0.2 to 0.3', () => {
    const sums = new DecimalSums(SCALE);
    add(sums, [
      [0, '0.1'],
      [0, '0.2'],
    ]);
    expect(sums.unscaled(0)).toBe(exact('0.3'));
  });

  it('leave out what is null or no finite number', () => {
    const sums = new DecimalSums(SCALE);
    sums.reserve(1);
    const scaled = new ScaledColumn(22);
    const values = Float64Array.of(1, 2, Number.NaN, Number.POSITIVE_INFINITY);
    scaled.read({ kind: 'double', values, nulls: Uint8Array.of(0, 1, 0, 0) });
    sums.addColumn(Int32Array.of(0, 1, 2, 3), new Int32Array(4), 0, 4, scaled);
    expect([sums.unscaled(0), sums.count(0)]).toEqual([exact('1'), 1]);
  });

  it('are null where a column has not the digits for them', () => {
    const sums = new DecimalSums(SCALE);
    add(sums, [
      [0, '1e40'],
      [1, '1e39'],
    ]);
    const { bytes, nulls } = sums.column(Int32Array.of(0, 1));
    expect([...(nulls ?? [])]).toEqual([1, 0]);
    expect(readDecimal(bytes, 32)).toBe(exact('1e39'));
  });

  it('round digits beyond their scale, half away from zero', () => {
    const sums = new DecimalSums(2);
    sums.reserve(3);
    const scaled = column(['0.005', '-0.005', '0.0049'], 2);
    sums.addColumn(Int32Array.of(0, 1, 2), Int32Array.of(0, 1, 2), 0, 3, scaled);
    expect([0, 1, 2].map((slot) => sums.unscaled(slot))).toEqual([1n, -1n, 0n]);
  });
});
