import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBudgetStore } from '../../../src/producers/market/budgetStore.ts';
import {
  type BudgetStore,
  leastDurationMs,
  type RateLimit,
  RequestBudget,
} from '../../../src/producers/market/requestBudget.ts';
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
  .map(([second, minute, day]) => [
    { requests: second, windowMs: 1_000 },
    { requests: minute, windowMs: 60_000 },
    { requests: day, windowMs: DAY_MS },
  ]);

/** One who wants a request after being idle for so long, and may be another process by then. */
const wishes = (maxLength: number) =>
  fc.array(
    fc.record({
      // All at once, within a minute, and over days.
      idleMs: fc.oneof(fc.constant(0), fc.nat({ max: 90_000 }), fc.nat({ max: 2 * DAY_MS })),
      restarts: fc.boolean(),
      /** Timers may fire early. */
      early: fc.double({ min: 0.5, max: 1, noNaN: true }),
    }),
    { maxLength },
  );

describe('a budget of requests', () => {
  it('is never passed over any window, with several producers and restarts, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.array(wishes(12), { minLength: 1, maxLength: 4 }), async (limits, producers) => {
        const clock = new FakeClock(1_700_000_000_000);
        const store = memoryStore();
        const times: number[] = [];
        await clock.runAll(
          producers.map((schedule) => async () => {
            let earlier = 1;
            const wait = (ms: number): Promise<void> => clock.wait(Math.ceil(ms * earlier));
            const open = () =>
              new RequestBudget({ now: clock.now, wait, store, name: 'plan', limits, maxWaitMs: DAY_MS });
            let budget = open();
            for (const { idleMs, restarts, early } of schedule) {
              if (idleMs > 0) await clock.wait(idleMs);
              if (restarts) budget = open();
              earlier = early;
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

  it('is used to 95% by several who always want more, restarts included', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 1, max: 4 }), fc.nat({ max: 5 }), async (limits, producers, lasts) => {
        const clock = new FakeClock(0);
        const store = memoryStore();
        const open = () => new RequestBudget({ ...clock, store, name: 'plan', limits, maxWaitMs: DAY_MS });
        const days = 3;
        const perDay = Math.min(...limits.map(({ requests, windowMs }) => requests * (DAY_MS / windowMs)));
        let taken = 0;
        await clock.runAll(
          Array.from({ length: producers }, () => async () => {
            for (let budget = open(), asked = 0; ; asked++) {
              if (asked % (lasts + 1) === lasts) budget = open();
              await budget.take(signal);
              if (clock.now() >= days * DAY_MS || taken > days * perDay) return;
              taken++;
            }
          }),
        );
        expect(taken).toBeGreaterThanOrEqual(0.95 * days * perDay);
        expect(taken).toBeLessThanOrEqual(days * perDay);
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
    for (const startMs of [1_000_000, 950_000, 1_000_500]) {
      const clock = new FakeClock(startMs);
      const limits = [{ requests: 2, windowMs: 60_000 }];
      const budget = new RequestBudget({ ...clock, store, name: 'x', limits, maxWaitMs: DAY_MS });
      await budget.take(signal);
      times.push(clock.now());
    }
    expect(times).toEqual([1_000_000, 950_000, 1_060_000]);
  });

  it('holds back for one window where the clock was years ahead once, not until then', async () => {
    const store = memoryStore();
    const limits = [{ requests: 1, windowMs: 60_000 }];
    const take = async (startMs: number): Promise<number> => {
      const clock = new FakeClock(startMs);
      await new RequestBudget({ ...clock, store, name: 'x', limits, maxWaitMs: DAY_MS }).take(signal);
      return clock.now();
    };
    expect(await take(400 * DAY_MS)).toBe(400 * DAY_MS);
    expect(await take(1_000)).toBe(61_000);
    expect(await take(121_500)).toBe(121_500);
  });

  it('without limits keeps nothing, and waits for nothing', async () => {
    const kept: unknown[] = [];
    const memory = memoryStore();
    const store: BudgetStore = {
      update(name, change) {
        return memory.update(name, (times) => {
          const changed = change(times);
          kept.push(...changed.times);
          return changed;
        });
      },
    };
    const clock = new FakeClock(0);
    const budget = new RequestBudget({ ...clock, store, name: 'x', limits: [], maxWaitMs: 0 });
    for (let request = 0; request < 3; request++) await budget.take(signal);
    expect([clock.now(), kept, budget.leastMs(10)]).toEqual([0, [], 0]);
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
