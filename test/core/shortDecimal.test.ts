import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalScale, POWERS_OF_TEN, significantDigits } from '../../src/core/shortDecimal.ts';

/** The digits that are left when signs, points, exponents and outer zeros are taken away. */
function digitsByText(text: string): number {
  const coefficient = text.toLowerCase().split('e')[0] ?? '';
  return coefficient.replace(/[^0-9]/g, '').replace(/^0+|0+$/g, '').length;
}

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength });

const decimalText = fc
  .record({
    sign: fc.constantFrom('', '-', '+'),
    whole: digits(0, 20),
    fraction: fc.option(digits(0, 20), { nil: null }),
    exponent: fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), digits(1, 3)), {
      nil: null,
    }),
  })
  .filter(({ whole, fraction }) => whole.length + (fraction?.length ?? 0) > 0)
  .map(
    ({ sign, whole, fraction, exponent }) =>
      `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`,
  );

describe('significantDigits', () => {
  it.each([
    ['61667.90', 6],
    ['0.00200000', 1],
    ['1200', 2],
    ['0', 0],
    ['-0.0', 0],
    ['-1.250e+3', 3],
    ['.5', 1],
    ['5.', 1],
    ['123456789012345', 15],
    ['1234567890.123456', 16],
    ['1000000000000000000', 1],
  ])('%s has %i', (text, expected) => {
    expect(significantDigits(text)).toBe(expected);
  });

  it.each([
    '',
    '-',
    '.',
    '+.',
    'e5',
    '1e',
    '1e+',
    '1e5.0',
    '1.2.3',
    '1,5',
    ' 1',
    '1 ',
    'NaN',
    'Infinity',
    '0x10',
    '1_000',
    '--1',
    '٣',
  ])('%j is not a number', (text) => {
    expect(significantDigits(text)).toBe(-1);
  });

  it('counts what is left without the zeros at the ends', () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        expect(significantDigits(text)).toBe(digitsByText(text));
      }),
    );
  });

  it('takes the same texts for numbers as JavaScript, apart from its other notations', () => {
    const unit = fc.constantFrom(...'0123456789.eE+-x n');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), (text) => {
        const isOurs = /^[0-9.eE+-]+$/.test(text) && !Number.isNaN(Number(text));
        expect(significantDigits(text) >= 0).toBe(isOurs);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('decimalScale', () => {
  const shortDecimal = fc.record({
    coefficient: fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n }),
    scale: fc.integer({ min: 0, max: 22 }),
    hint: fc.integer({ min: 0, max: 22 }),
  });

  it('finds the digits of every decimal of at most 15 digits, whatever the hint', () => {
    fc.assert(
      fc.property(shortDecimal, ({ coefficient, scale, hint }) => {
        const x = Number(`${coefficient}e-${scale}`);
        const found = decimalScale(x, hint);
        expect(found).toBeGreaterThanOrEqual(0);
        const mantissa = BigInt(Math.round(x * (POWERS_OF_TEN[found] as number)));
        expect(mantissa * 10n ** BigInt(scale)).toBe(coefficient * 10n ** BigInt(found));
      }),
      { numRuns: 20_000 },
    );
  });

  it('gives a mantissa that reads back as the same double, for any double that has a scale', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 22 }), (x, hint) => {
        const scale = decimalScale(x, hint);
        if (scale < 0) return;
        const mantissa = Math.round(x * (POWERS_OF_TEN[scale] as number));
        expect(Number.isSafeInteger(mantissa)).toBe(true);
        expect(Number(`${mantissa}e-${scale}`)).toBe(x === 0 ? 0 : x);
      }),
      { numRuns: 20_000 },
    );
  });

  it('keeps a hint that fits and leaves one that does not', () => {
    expect(decimalScale(12.5, 2)).toBe(2);
    expect(decimalScale(12.345, 2)).toBe(3);
    expect(decimalScale(12.345)).toBe(3);
    expect(decimalScale(61667.9, 22)).toBe(1);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300, 5e-324, 0.1 + 0.2])('has none for %d', (x) => {
    expect(decimalScale(x)).toBe(-1);
  });
});
