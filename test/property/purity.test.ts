import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  filter,
  hopping,
  keyBy,
  ohlcv,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import type { TestTick } from '../support/drive.ts';
import { effort } from '../support/effort.ts';
import { appendTicks, contentsOf, inStore, openRunner } from '../support/tickStore.ts';

/** Undisturbed runs that are each compared with several disturbed ones. */
const INPUTS = effort(6);
const RUNS_PER_INPUT = 12;
const PARTITIONS = 2;
const MICROS_PER_MS = 1_000;

const checked = topology({
  name: 'checked',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    checked: ticks.pipe(
      watermark(bounded(300)),
      // What is dropped here has moved the watermark: state alone does not tell where it stands.
      filter((tick) => tick.price < 5),
      keyBy('instrument'),
      window([tumbling('1s'), tumbling('2s'), hopping('1500ms', '1s')], { allowedLatenessMs: 500 }),
      aggregate({ ...ohlcv('price', 'size'), count: count() }),
    ),
  }),
});

/** Ticks in order of arrival, a tenth of a second apart, give or take their disorder. */
const ticks = fc
  .array(
    fc.record({
      key: fc.integer({ min: 0, max: 5 }),
      disorderMs: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: -400, max: 0 }) },
        { weight: 1, arbitrary: fc.integer({ min: -4_000, max: 3_000 }) },
      ),
      price: fc.integer({ min: 1, max: 999 }),
    }),
    { minLength: 60, maxLength: 600 },
  )
  .map((made) =>
    made.map(({ key, disorderMs, price }, i): TestTick => {
      const eventTime = (i * 100 + disorderMs) * MICROS_PER_MS;
      return { instrument: `key-${key}`, eventTime, price: price / 100, size: price / 1_000, sequence: null };
    }),
  );

const disturbances = fc.record({
  maxRecords: fc.integer({ min: 1, max: 40 }),
  commitRecords: fc.integer({ min: 1, max: 60 }),
  /** Snapshots are taken so that no restart reads more again. */
  maxRereadRecords: fc.integer({ min: 1, max: 200 }),
  isFinished: fc.boolean(),
  /** After how many steps a run of the process is given up without a commit; an even number also before its last one. */
  crashes: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }),
});
type Disturbance = typeof disturbances extends fc.Arbitrary<infer T> ? T : never;

const UNDISTURBED: Disturbance = {
  maxRecords: 10_000,
  commitRecords: 10_000,
  maxRereadRecords: 1e9,
  isFinished: false,
  crashes: [],
};

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-purity-'));
  directories.push(directory);
  return directory;
}

/** Ticks that a run finds new, and for how long nothing comes after them where the run is live; null where it is bounded. */
interface Part {
  readonly ticks: readonly TestTick[];
  readonly quietMs: number | null;
}

/**
 * Runs to the end of what is in the log, and commits: bounded it flushes there, live the wall clock moves the watermarks on.
 * True unless it crashed on the way.
 */
async function run(
  directory: string,
  quietMs: number | null,
  disturbance: Disturbance,
  crashAfter: number | null,
): Promise<boolean> {
  return inStore(directory, async (log, registry) => {
    const runner = await openRunner(log, registry, checked, PARTITIONS, {
      readBounds: { maxRecords: disturbance.maxRecords, maxBytes: 1_000_000 },
      commitBounds: { maxRecords: disturbance.commitRecords, maxBytes: 1_000_000, intervalMs: 1e9 },
      maxRereadRecords: disturbance.maxRereadRecords,
      wallClockBounds: { wallClockAfterMs: 1, wallClockEveryMs: 1 },
      arrivals: { cameIn: () => {}, quietMs: () => quietMs ?? 0 },
    });
    try {
      const ends = quietMs === null ? await log.ranges('ticks') : null;
      for (let step = 0, isThere = false; !isThere; step++) {
        if (step === crashAfter) return false;
        const hasRead = await runner.step(0, ends);
        isThere = ends === null ? !hasRead : runner.haveFlushed;
      }
      if (crashAfter !== null && crashAfter % 2 === 0) return false;
      await (disturbance.isFinished ? runner.finish() : runner.commit());
      return true;
    } finally {
      await runner.close();
    }
  });
}

/** Appends each part but the first, runs to its end, crashing as told, and gives what was committed. */
async function runAll(base: string, parts: readonly Part[], disturbance: Disturbance): Promise<string[][][]> {
  const directory = newDirectory();
  cpSync(base, directory, { recursive: true });
  const crashes = [...disturbance.crashes];
  for (const [i, { ticks: part, quietMs }] of parts.entries()) {
    if (i > 0) await append(directory, part);
    let done = false;
    while (!done) done = await run(directory, quietMs, disturbance, crashes.shift() ?? null);
  }
  return [await contentsOf(directory, 'checked'), await contentsOf(directory, 'checked.late')];
}

async function append(directory: string, part: readonly TestTick[]): Promise<void> {
  if (part.length === 0) return;
  await appendTicks(directory, PARTITIONS, part, ({ instrument }) => Number(instrument.slice(-1)) % PARTITIONS);
}

describe('committed output', () => {
  it(
    'is the same whatever the chunks, the commits and the crashes',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          ticks,
          fc.array(fc.option(fc.integer({ min: 1, max: 3_000 })), { minLength: 1, maxLength: 3 }),
          fc.array(disturbances, { minLength: RUNS_PER_INPUT, maxLength: RUNS_PER_INPUT }),
          async (all, quiet, disturbed) => {
            const size = Math.ceil(all.length / quiet.length);
            const parts = quiet.map((quietMs, i) => ({ ticks: all.slice(i * size, (i + 1) * size), quietMs }));
            const base = newDirectory();
            await append(base, parts[0]?.ticks ?? []);
            const expected = await runAll(base, parts, UNDISTURBED);
            expect(expected[0]?.flat().length).toBeGreaterThan(0);
            for (const disturbance of disturbed) expect(await runAll(base, parts, disturbance)).toEqual(expected);
          },
        ),
        { numRuns: INPUTS, endOnFailure: true },
      );
    },
    effort(300_000),
  );
});
