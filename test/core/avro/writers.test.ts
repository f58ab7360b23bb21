import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LONG_BYTES, writeLong } from '../../../src/core/avro/writers.ts';

/** Zig-zag and base 128 by definition, over integers of any size. */
function encodedLong(value: bigint): number[] {
  let rest = value >= 0n ? 2n * value : -2n * value - 1n;
  const groups: number[] = [];
  while (rest >= 128n) {
    groups.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return [...groups, Number(rest)];
}

describe('writeLong', () => {
  const powers = fc
    .record({
      power: fc.integer({ min: 0, max: 52 }),
      off: fc.integer({ min: -1, max: 1 }),
      sign: fc.constantFrom(1, -1),
    })
    .map(({ power, off, sign }) => sign * (2 ** power + off));

  it('writes every safe integer exactly', () => {
    const edges = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -(2 ** 31), 2 ** 31 - 1, -0];
    fc.assert(
      fc.property(fc.oneof(powers, fc.maxSafeInteger(), fc.constantFrom(...edges)), (value) => {
        const out = new Uint8Array(MAX_LONG_BYTES + 1);
        const end = writeLong(out, 1, value);
        expect([...out.subarray(1, end)]).toEqual(encodedLong(BigInt(value)));
      }),
      { numRuns: 1_000 },
    );
  });
});
