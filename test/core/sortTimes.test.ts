import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderByTime } from '../../src/core/sortTimes.ts';
import { effort } from '../support/effort.ts';

const RUNS = effort(1_000);

/** Times spread out, with ties, in a row that ascends, crowded into a part of their span, and far apart. */
const times = fc.oneof(
  fc.array(fc.integer({ min: -1_000, max: 1_000 }), { maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 300 }),
  fc
    .array(fc.integer({ min: -20, max: 20 }), { maxLength: 300 })
    .map((behind) => behind.map((by, i) => 1_700_000_000_000_000 + i * 10 + by)),
  fc
    .tuple(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }), fc.integer({ min: 1, max: 2 ** 53 - 1 }))
    .map(([near, far]) => [...near, far, -far]),
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 100 }),
);

it('orders times, and leaves equal ones as they are', () => {
  fc.assert(
    fc.property(times, (given) => {
      const expected = Array.from(given.keys()).sort((a, b) => {
        const [x, y] = [given[a] ?? 0, given[b] ?? 0];
        return x < y ? -1 : x > y ? 1 : a - b;
      });
      expect([...orderByTime(Float64Array.from(given))]).toEqual(expected);
    }),
    { numRuns: RUNS },
  );
});
