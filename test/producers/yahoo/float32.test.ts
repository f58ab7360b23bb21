import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortestFloat } from '../../../src/producers/yahoo/float32.ts';
import { effort } from '../../support/effort.ts';

describe('a price that Yahoo keeps as a 32-bit float', () => {
  it.each([
    [188.1199951171875, 188.12],
    [103.72000122070312, 103.72],
    [0.754360020160675, 0.75436],
    [0.14550000429153442, 0.1455],
    [131, 131],
    [0, 0],
    [1612345728, 1612345700],
  ])('%d is %d', (printed, meant) => {
    expect(shortestFloat(printed)).toBe(meant);
  });

  it.each([188.55, 0.205, 244.44, 9007199254740991])('%d is no such float, and is what it is', (value) => {
    expect(shortestFloat(value)).toBe(value);
  });

  it('is the decimal again that it was made of, where that has at most six digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (digits, scale) => {
        const decimal = Number(`${digits}e-${scale}`);
        expect(shortestFloat(Math.fround(decimal))).toBe(decimal);
      }),
      { numRuns: effort(1_000) },
    );
  });

  it('is the shortest decimal that reads back as the same float', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: 2 ** -100, max: 2 ** 100 }), (float) => {
        const shortest = shortestFloat(float);
        expect(Math.fround(shortest)).toBe(float);
        const digits = shortest.toExponential().replace(/e.*|\D/g, '').length;
        if (digits > 1) expect(Math.fround(Number(float.toPrecision(digits - 1)))).not.toBe(float);
      }),
      { numRuns: effort(1_000) },
    );
  });
});
