import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBudgetStore } from '../../../src/producers/market/budgetStore.ts';
import { leastDurationMs, type RateLimit, RequestBudget } from '../../../src/producers/market/requestBudget.ts';
import { effort } from '../../support/effort.ts';
import { FakeClock, memoryStore } from './fakeClock.ts';

const FREE: readonly RateLimit[] = [
  { requests: 1, windowMs: 1_000 },
  { requests: 5, windowMs: 60_000 },
  { requests: 25, windowMs: 86_400_000 },
];
const signal = new AbortController().signal;
const DAY_MS = 86_400_000;

/** The most requests in any stretch of a length, wherever it begins. */
function mostIn(times: readonly number[], windowMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + windowMs).length));
}

const plans = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 }))
  .map(([second, minute, hour]) => [
    { requests: second, windowMs: 1_000 },
    { requests: minute, windowMs: 60_000 },
    { requests: hour, windowMs: 3_600_000 },
  ]);

describe('a budget of requests', () => {
  it('is never passed over any window, with several producers and restarts, however they come', async () => {
    const producer = fc.array(fc.record({ idleMs: fc.nat({ max: 90_000 }), restarts: fc.boolean() }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(plans, fc.array(producer, { minLength: 1, maxLength: 4 }), async (limits, producers) => {
        const clock = new FakeClock(1_700_000_000_000);
        const store = memoryStore();
        const open = () => new RequestBudget({ ...clock, store, name: 'plan', limits, maxWaitMs: DAY_MS });
        const times: number[] = [];
        await clock.runAll(
          producers.map((schedule) => async () => {
            let budget = open();
            for (const { idleMs, restarts } of schedule) {
              if (idleMs % 3 !== 0) await clock.wait(idleMs);
              if (restarts) budget = open();
              await budget.take(signal);
              times.push(clock.now());
            }
          }),
        );
        expect(times).toHaveLength(producers.flat().length);
        for (const { requests, windowMs } of limits) expect(mostIn(times, windowMs)).toBeLessThanOrEqual(requests);
      }),
      { numRuns: effort(300) },
    );
  });

  it('is used whole by one who always wants more', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (limits) => {
        const clock = new FakeClock(0);
        const budget = new RequestBudget({ ...clock, store: memoryStore(), name: 'plan', limits, maxWaitMs: DAY_MS });
        const hours = 3;
        let taken = 0;
        for (;;) {
          await budget.take(signal);
          if (clock.now() >= hours * 3_600_000) break;
          taken++;
        }
        const perHour = Math.min(...limits.map(({ requests, windowMs }) => requests * (3_600_000 / windowMs)));
        expect(taken).toBeGreaterThanOrEqual(0.95 * hours * perHour);
      }),
      { numRuns: effort(50) },
    );
  });

  it('takes as long as is told beforehand', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 1, max: 100 }), async (limits, requests) => {
        const clock = new FakeClock(0);
        const budget = new RequestBudget({ ...clock, store: memoryStore(), name: 'plan', limits, maxWaitMs: DAY_MS });
        for (let sent = 0; sent < requests; sent++) await budget.take(signal);
        expect(leastDurationMs(requests, limits)).toBe(clock.now());
      }),
      { numRuns: effort(100) },
    );
  });

  it('of the free plan of Alpha Vantage: 25 a day, 5 a minute, 1 a second', async () => {
    const clock = new FakeClock(0);
    const budget = new RequestBudget({ ...clock, store: memoryStore(), name: 'free', limits: FREE, maxWaitMs: DAY_MS });
    const times: number[] = [];
    for (let request = 0; request < 26; request++) {
      await budget.take(signal);
      times.push(clock.now());
    }
    expect(times.slice(0, 7)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 60_000, 61_000]);
    expect(times.at(-1)).toBe(DAY_MS);
  });

  it('is told when it is used up for longer than the bound', async () => {
    const clock = new FakeClock(0);
    const limits = [{ requests: 1, windowMs: DAY_MS }];
    const budget = new RequestBudget({ ...clock, store: memoryStore(), name: 'x', limits, maxWaitMs: 60_000 });
    await budget.take(signal);
    await expect(budget.take(signal)).rejects.toMatchObject({
      ...{ code: 'TM_SOURCE_QUOTA', message: expect.stringContaining('1440 minutes') },
    });
  });

  it('does not let more through when the clock is set back', async () => {
    const store = memoryStore();
    const times: number[] = [];
    for (const startMs of [1_000_000, 400_000, 1_000_500]) {
      const clock = new FakeClock(startMs);
      const limits = [{ requests: 2, windowMs: 60_000 }];
      const budget = new RequestBudget({ ...clock, store, name: 'x', limits, maxWaitMs: DAY_MS });
      await budget.take(signal);
      times.push(clock.now());
    }
    expect(times).toEqual([1_000_000, 400_000, 1_060_000]);
  });

  it('is kept on the disk, one for each name', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-budget-'));
    const clock = new FakeClock(0);
    const take = async (name: string): Promise<number> => {
      const store = openBudgetStore(directory);
      await new RequestBudget({ ...clock, store, name, limits: FREE, maxWaitMs: DAY_MS }).take(signal);
      await store.close();
      return clock.now();
    };
    expect([await take('a'), await take('a'), await take('b'), await take('a')]).toEqual([0, 1_000, 1_000, 2_000]);
    await rm(directory, { recursive: true });
  });
});
