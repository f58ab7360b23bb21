import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECIMAL_BYTES, readDecimal } from '../../src/core/decimalBytes.ts';
import { writeDecimalPair } from '../../src/core/decimalLimbs.ts';

/** Of every magnitude; a sum's high part stays below the safe integers by what its low part may add. */
const PART = fc
  .tuple(fc.double({ min: -(2 ** 53) + 64, max: 2 ** 53 - 64, noNaN: true }), fc.integer({ min: 0, max: 52 }))
  .map(([value, bits]) => Math.trunc(value / 2 ** bits));

describe('a decimal of two doubles', () => {
  it('is written as the exact product with its power of ten', () => {
    fc.assert(
      fc.property(PART, PART, fc.integer({ min: 0, max: 36 }), (high, low, power) => {
        const bytes = new Uint8Array(2 * DECIMAL_BYTES);
        writeDecimalPair(new DataView(bytes.buffer), DECIMAL_BYTES, high, low, power);
        const unscaled = (BigInt(high) * 2n ** 48n + BigInt(low)) * 10n ** BigInt(power);
        expect(readDecimal(bytes, DECIMAL_BYTES)).toBe(unscaled);
        expect(readDecimal(bytes, 0)).toBe(0n);
      }),
      { numRuns: 2_000 },
    );
  });
});
