import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecimalSums } from '../../src/core/decimalSums.ts';
import { decimalScale } from '../../src/core/shortDecimal.ts';

const SCALE = 36;

/** The value of a decimal text, as an integer at 36 decimals. */
function exact(text: string): bigint {
  const [coefficient = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = coefficient.split('.');
  const shift = SCALE + Number(exponent) - fraction.length;
  return BigInt(whole + fraction) * 10n ** BigInt(shift);
}

/** Decimals of at most 15 digits and 18 places, as text. */
const decimals = fc
  .tuple(fc.bigInt({ min: -999_999_999_999_999n, max: 999_999_999_999_999n }), fc.integer({ min: 0, max: 18 }))
  .map(([digits, places]) => `${digits}e-${places}`);

function add(sums: DecimalSums, slot: number, text: string): void {
  const value = Number(text);
  const scale = decimalScale(value);
  if (scale < 0) sums.addDouble(slot, value);
  else sums.add(slot, Math.round(value * 10 ** scale), scale);
}

function mantissaAndScale(text: string): readonly [number, number] {
  const scale = decimalScale(Number(text));
  return [Math.round(Number(text) * 10 ** scale), scale];
}

describe('exact decimal sums', () => {
  it('equal the sum of the decimals, whatever their scales and order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), decimals), { maxLength: 40 }), (added) => {
        const sums = new DecimalSums(SCALE);
        const expected = [0n, 0n, 0n];
        for (const [slot, text] of added) {
          add(sums, slot, text);
          expected[slot] = (expected[slot] ?? 0n) + exact(text);
        }
        expect([0, 1, 2].map((slot) => sums.unscaled(slot))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('equal the sum of products', () => {
    const small = decimals.filter((text) => decimalScale(Number(text)) >= 0 && decimalScale(Number(text)) <= 18);
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { maxLength: 20 }), (pairs) => {
        const sums = new DecimalSums(SCALE);
        let expected = 0n;
        for (const [a, b] of pairs) {
          sums.addProduct(0, ...mantissaAndScale(a), ...mantissaAndScale(b));
          expected += (exact(a) * exact(b)) / 10n ** BigInt(SCALE);
        }
        expect(sums.unscaled(0)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('add 0.1 and 0.2 to 0.3', () => {
    const sums = new DecimalSums(SCALE);
    add(sums, 0, '0.1');
    add(sums, 0, '0.2');
    expect(sums.unscaled(0)).toBe(exact('0.3'));
  });

  it('merge, clear, and keep slots apart as they grow', () => {
    const sums = new DecimalSums(SCALE);
    sums.reserve(1_000);
    add(sums, 999, '1.5');
    add(sums, 3, '9007199254740991');
    add(sums, 3, '9007199254740991');
    sums.merge(3, 999);
    expect(sums.unscaled(999)).toBe(exact('18014398509481983.5'));
    sums.clear(Int32Array.of(3));
    expect(sums.unscaled(3)).toBe(0n);
    expect(sums.unscaled(999)).toBe(exact('18014398509481983.5'));
  });

  it('round digits beyond their scale, half away from zero', () => {
    const sums = new DecimalSums(2);
    sums.addDouble(0, 0.005);
    sums.addDouble(1, -0.005);
    sums.addDouble(2, 0.0049);
    expect([0, 1, 2].map((slot) => sums.unscaled(slot))).toEqual([1n, -1n, 0n]);
  });
});
