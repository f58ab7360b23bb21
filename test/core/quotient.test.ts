import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestQuotient, nearestSquareRoot } from '../../src/core/quotient.ts';

/** |numerator / denominator - x| as an exact fraction over one common denominator, x being a double. */
function distance(numerator: bigint, denominator: bigint, x: number): bigint {
  const scaled = BigInt(x * 2 ** 200) * denominator - (numerator << 200n);
  return scaled < 0n ? -scaled : scaled;
}

/** The neighbouring doubles of x. */
function neighbours(x: number): readonly number[] {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  return [-1n, 1n].map((step) => {
    bits.setBigInt64(0, BigInt.asIntN(64, BigInt(bits.getBigInt64(0)) + step));
    const neighbour = bits.getFloat64(0);
    bits.setFloat64(0, x);
    return neighbour;
  });
}

describe('the nearest quotient', () => {
  it('is at least as near as its neighbours', () => {
    const parts = fc.bigInt({ min: 1n, max: 10n ** 40n });
    fc.assert(
      fc.property(parts, parts, (numerator, denominator) => {
        const x = nearestQuotient(numerator, denominator);
        const own = distance(numerator, denominator, x);
        for (const other of neighbours(x)) expect(own <= distance(numerator, denominator, other)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('goes to the even neighbour when it lies in the middle', () => {
    expect(nearestQuotient(2n ** 53n + 1n, 1n)).toBe(2 ** 53);
    expect(nearestQuotient(2n ** 53n + 3n, 1n)).toBe(2 ** 53 + 4);
  });

  it('keeps the sign, and zero', () => {
    expect(nearestQuotient(-1n, 3n)).toBe(-1 / 3);
    expect(nearestQuotient(-6n, -3n)).toBe(2);
    expect(nearestQuotient(0n, 7n)).toBe(0);
  });
});

describe('the nearest square root', () => {
  it('is at least as near as the middles to its neighbours', () => {
    const parts = fc.bigInt({ min: 1n, max: 10n ** 40n });
    fc.assert(
      fc.property(parts, parts, (numerator, denominator) => {
        const x = nearestSquareRoot(numerator, denominator);
        const [below = 0n, above = 0n] = neighbours(x).map(
          (other) => (BigInt(x * 2 ** 200) + BigInt(other * 2 ** 200)) / 2n,
        );
        const scaled = numerator << 400n;
        expect(below ** 2n * denominator <= scaled && scaled <= above ** 2n * denominator).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [9n, 4n, 1.5],
    [0n, 3n, 0],
    [2n, 1n, Math.SQRT2],
    [10n ** 40n, 1n, 1e20],
  ])('of %i / %i', (numerator, denominator, root) => {
    expect(nearestSquareRoot(numerator, denominator)).toBe(root);
  });
});
