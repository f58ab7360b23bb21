import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ALL_TIME } from '../../src/core/timeRange.ts';
import {
  aggregate,
  bounded,
  count,
  hopping,
  keyBy,
  ohlcv,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import type { Log, PartitionRange } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { recordSwap } from '../../src/replay/decisions.ts';
import { endsOf } from '../../src/replay/replayParts.ts';
import { startReplay, type WantedReplay } from '../../src/replay/start.ts';
import { planGeneration } from '../../src/runtime/generationPlan.ts';
import { GenerationWatch } from '../../src/runtime/generationWatch.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import type { TopologyRunner } from '../../src/runtime/topologyRunner.ts';
import { type Late, lateSchema } from '../../src/schemas.generated.ts';
import type { TestTick } from '../support/drive.ts';
import { effort } from '../support/effort.ts';
import { appendTicks, contentsOf, inStore, openRunner, rowsOf } from '../support/tickStore.ts';

const CASES = effort(15);
const HISTORY_CASES = effort(8);
const PARTITIONS = 2;
const MICROS_PER_MS = 1_000;
/** More than a case has records and commits. */
const MOST_STEPS = 10_000;

const checked = topology({
  name: 'checked',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    checked: ticks.pipe(
      watermark(bounded(300)),
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
    { minLength: 40, maxLength: 300 },
  )
  .map((made) =>
    made.map(({ key, disorderMs, price }, i): TestTick => {
      const eventTime = (i * 100 + disorderMs) * MICROS_PER_MS;
      return { instrument: `key-${key}`, eventTime, price: price / 100, size: price / 1_000, sequence: null };
    }),
  );

/** How the process that runs some of the tasks cuts what it reads, commits, and is given up without a commit. */
const disturbance = fc.record({
  maxRecords: fc.integer({ min: 1, max: 40 }),
  commitRecords: fc.integer({ min: 1, max: 60 }),
  crashes: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 6 }),
});
type Disturbance = (typeof disturbance extends fc.Arbitrary<infer T> ? T : never) & {
  /** Records after which a snapshot is due; hardly ever without it. */
  readonly snapshotAfter?: number;
};
const UNDISTURBED: Disturbance = { maxRecords: 10_000, commitRecords: 10_000, crashes: [] };

/**
 * Parts that the ticks are produced in; each is run to its end and flushed, as `run --until-end` does, or closed by the wall clock,
 * as a live run does.
 */
const plans = fc
  .record({
    ticks,
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 4 }),
    /** By part, for how long nothing comes after it where it is run live; null where it is bounded. */
    quiet: fc.array(fc.option(fc.integer({ min: 1, max: 3_000 })), { minLength: 5, maxLength: 5 }),
    start: fc.nat(),
    swap: fc.nat(),
    base: disturbance,
    shadow: disturbance,
    range: fc.option(
      fc.tuple(fc.double({ min: -0.2, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1.2, noNaN: true })),
    ),
  })
  .map(({ ticks: made, cuts, quiet, start, swap, range, ...rest }) => {
    const places = [0, ...cuts.map((cut) => Math.ceil(cut * made.length) || 1).sort((a, b) => a - b), made.length];
    const parts = places.slice(1).map((to, i) => ({ ticks: made.slice(places[i], to), quietMs: quiet[i] ?? null }));
    const startAfter = start % parts.length;
    const swapAfter = startAfter + (swap % (parts.length - startAfter));
    const spanMicros = made.length * 100 * MICROS_PER_MS;
    const from = range === null ? Number.NEGATIVE_INFINITY : Math.round(range[0] * spanMicros);
    const to = range === null ? Number.POSITIVE_INFINITY : from + Math.round(range[1] * spanMicros);
    return {
      parts,
      startAfter,
      swapAfter,
      range: { fromMicros: from, toMicros: to },
      isWhole: range === null,
      ...rest,
    };
  });

const HISTORY = 'ticks_history';
/** Live, and the wall clock does nothing. */
const STILL = 0;

/** A history, how long before the live ticks it begins, and how many of its records come again too late to belong to it. */
const joined = fc.record({
  old: ticks,
  seamMs: fc.integer({ min: 0, max: 40_000 }),
  more: fc.nat(20),
  snapshotAfter: fc.integer({ min: 2, max: 200 }),
});

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
  directories.push(directory);
  return directory;
}

function partitionOf({ instrument }: TestTick): number {
  return Number(instrument.at(-1)) % PARTITIONS;
}

interface Store {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly watch: GenerationWatch;
}

function inWatchedStore<T>(directory: string, body: (store: Store) => Promise<T>): Promise<T> {
  return inStore(directory, async (log, registry) => {
    const watch = await GenerationWatch.open({ log, registry, topology: checked.name }, () => 0);
    return body({ log, registry, watch });
  });
}

/** Runs a generation until it is done, opening it again after each crash. */
async function run(
  directory: string,
  generation: number,
  { maxRecords, commitRecords, crashes, snapshotAfter = 1_000_000 }: Disturbance,
  options: {
    readonly shadow?: number;
    readonly quietMs: number | null;
    readonly ends: (store: Store) => Promise<readonly PartitionRange[]>;
    readonly isDone: (runner: TopologyRunner, store: Store, hasRead: boolean) => boolean;
  },
): Promise<void> {
  const left = [...crashes];
  for (let done = false; !done; ) {
    done = await inWatchedStore(directory, async (store) => {
      const { log, registry, watch } = store;
      const { replay } = planGeneration(checked, {}, watch, generation);
      const runner = await openRunner(log, registry, checked, PARTITIONS, {
        generation,
        ...(replay === undefined ? {} : { replay }),
        ...(options.shadow === undefined ? {} : { shadow: options.shadow }),
        readBounds: { maxRecords, maxBytes: 1_000_000 },
        commitBounds: { maxRecords: commitRecords, maxBytes: 1_000_000, intervalMs: 1e9 },
        maxRereadRecords: snapshotAfter,
        wallClockBounds: { wallClockAfterMs: 1, wallClockEveryMs: 1 },
        arrivals: { cameIn: () => {}, quietMs: () => options.quietMs ?? 0 },
      });
      try {
        const crashAfter = left.shift() ?? null;
        const ends = options.quietMs === null ? await options.ends(store) : null;
        for (let step = 0, hasRead = true; step === 0 || !options.isDone(runner, store, hasRead); step++) {
          if (step === crashAfter) return false;
          if (step > MOST_STEPS) throw new Error(`generation ${generation} does not come to its end`);
          hasRead = await runner.step(0, ends);
        }
        await runner.commit();
        return true;
      } finally {
        await runner.close();
      }
    });
  }
}

/** As the run of the live generation does that ends with its input. */
function runLive(directory: string, generation: number, quietMs: number | null, disturbed: Disturbance): Promise<void> {
  return run(directory, generation, disturbed, {
    quietMs,
    ends: ({ log }) => log.ranges('ticks'),
    isDone: (runner, _, hasRead) => (quietMs === null ? runner.haveFlushed : !hasRead),
  });
}

/** As a replay does that ends where the generation before it stands, or where it takes over from it. */
function runShadow(directory: string, disturbed: Disturbance, generation = 2): Promise<void> {
  return run(directory, generation, disturbed, {
    shadow: generation,
    quietMs: null,
    ends: ({ log, registry, watch }) =>
      endsOf({ log, registry, topology: checked.name }, generation - 1, watch.get(generation)),
    isDone: (runner, { watch }) => {
      const { handOvers } = watch.get(generation);
      return handOvers === null ? runner.haveFlushed : runner.hasTakenOver(handOvers);
    },
  });
}

function start(directory: string, wanted: WantedReplay): Promise<void> {
  return inWatchedStore(directory, async (store) => {
    await startReplay({ ...store, topology: checked.name, definition: checked, set: {} }, wanted);
  });
}

function swapIn(directory: string, generation: number): Promise<void> {
  return inWatchedStore(directory, ({ log, registry, watch }) =>
    recordSwap({ log, registry, topology: checked.name }, watch.get(generation)),
  );
}

interface ResultRow {
  readonly instrument: string;
  readonly interval: string;
  readonly start: number;
  readonly end: number;
  readonly revision: number;
}

const [output] = planTopology(checked, {}, 1).outputs;

async function resultsOf(directory: string, topic: string): Promise<ResultRow[]> {
  return rowsOf<ResultRow>(directory, topic, JSON.parse(output?.schema.text ?? ''));
}

/** The last emission of each window: rows of the later list count more. */
function newest(...lists: readonly (readonly ResultRow[])[]): Map<string, unknown> {
  const windows = new Map<string, unknown>();
  for (const rows of lists) {
    for (const { revision, ...row } of rows) windows.set(`${row.instrument} ${row.interval} ${row.start}`, row);
  }
  return new Map([...windows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How many ticks each partition has. */
function countsOf(made: readonly TestTick[]): readonly number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    return made.filter((tick) => partitionOf(tick) === partition).length;
  });
}

/** Where the record of a late row is if the records that the topic begins with are in one of their own. */
function placeOf({ partition, offset }: Late, historyRecords: readonly number[]): Pick<Late, 'topic' | 'offset'> {
  const before = historyRecords[partition] ?? 0;
  return offset < before ? { topic: HISTORY, offset } : { topic: 'ticks', offset: offset - before };
}

function latePlaces(rows: readonly Late[]): string[] {
  return rows.map(({ partition, offset, intervals }) => `${partition}/${offset} ${intervals}`).sort();
}

describe('a replay', () => {
  it('swapped in at any moment, goes on as the generation before would have', {
    timeout: effort(120_000),
  }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ parts, startAfter, swapAfter, range, isWhole, base, shadow }) => {
        const [calm, disturbed] = [newDirectory(), newDirectory()];
        for (const [i, part] of parts.entries()) {
          const { ticks: came, quietMs } = part;
          for (const directory of [calm, disturbed]) await appendTicks(directory, PARTITIONS, came, partitionOf);
          await runLive(calm, 1, quietMs, UNDISTURBED);
          if (i <= swapAfter) await runLive(disturbed, 1, quietMs, base);
          else await runLive(disturbed, 2, quietMs, shadow);
          if (i === startAfter) {
            await start(disturbed, { range });
          }
          if (i >= startAfter && i <= swapAfter) await runShadow(disturbed, shadow);
          if (i === swapAfter) {
            await swapIn(disturbed, 2);
            await runShadow(disturbed, shadow);
          }
        }
        if (isWhole) {
          expect(await contentsOf(disturbed, 'checked__g2')).toEqual(await contentsOf(calm, 'checked'));
          expect(await contentsOf(disturbed, 'checked__g2.late')).toEqual(await contentsOf(calm, 'checked.late'));
        }
        const isOutside = ({ start, end }: ResultRow): boolean => start >= range.toMicros || end <= range.fromMicros;
        const takenOver = (await resultsOf(disturbed, 'checked')).filter(isOutside);
        expect(newest(takenOver, await resultsOf(disturbed, 'checked__g2'))).toEqual(
          newest(await resultsOf(calm, 'checked')),
        );
        const lateBefore = await rowsOf<Late>(disturbed, 'checked.late', lateSchema);
        const lateOutside = lateBefore.filter(
          ({ eventTime }) => eventTime < range.fromMicros || eventTime >= range.toMicros,
        );
        const lateAfter = await rowsOf<Late>(disturbed, 'checked__g2.late', lateSchema);
        expect(latePlaces([...lateOutside, ...lateAfter])).toEqual(
          latePlaces(await rowsOf<Late>(calm, 'checked.late', lateSchema)),
        );
      }),
      { numRuns: CASES, endOnFailure: true },
    );
  });

  it('with a history before it, is what the history first in the topic would have given', {
    timeout: effort(120_000),
  }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, joined, async ({ parts, base, shadow, range }, { old, seamMs, more, snapshotAfter }) => {
        const [calm, disturbed] = [newDirectory(), newDirectory()];
        const last = parts.length - 1;
        const before = old.map((tick) => ({ ...tick, eventTime: tick.eventTime - seamMs * MICROS_PER_MS }));
        await appendTicks(calm, PARTITIONS, before, partitionOf);
        const often = { ...shadow, snapshotAfter };
        for (const [i, part] of parts.entries()) {
          for (const directory of [calm, disturbed]) await appendTicks(directory, PARTITIONS, part.ticks, partitionOf);
          if (i < last) await runLive(disturbed, 1, STILL, base);
        }
        await appendTicks(disturbed, PARTITIONS, before, partitionOf, HISTORY);
        await start(disturbed, { range: ALL_TIME, history: HISTORY });
        // What comes after the replay began is not its history.
        await appendTicks(disturbed, PARTITIONS, old.slice(0, more), partitionOf, HISTORY);
        await runShadow(disturbed, often);
        await swapIn(disturbed, 2);
        await runShadow(disturbed, often);
        await runLive(disturbed, 2, null, often);
        await runLive(calm, 1, null, UNDISTURBED);
        expect(await contentsOf(disturbed, 'checked__g2')).toEqual(await contentsOf(calm, 'checked'));
        const calmLate = await rowsOf<Late>(calm, 'checked.late', lateSchema);
        const late = await rowsOf<Late>(disturbed, 'checked__g2.late', lateSchema);
        const historyRecords = countsOf(before);
        expect(late).toEqual(calmLate.map((row) => ({ ...row, ...placeOf(row, historyRecords) })));

        await start(disturbed, { range });
        await runShadow(disturbed, often, 3);
        const again = await resultsOf(disturbed, 'checked__g3');
        const isOutside = ({ start, end }: ResultRow): boolean => start >= range.toMicros || end <= range.fromMicros;
        const served = await resultsOf(disturbed, 'checked__g2');
        expect(newest(served.filter(isOutside), again)).toEqual(newest(served));
      }),
      { numRuns: HISTORY_CASES, endOnFailure: true },
    );
  });
});
