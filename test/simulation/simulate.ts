import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  aggregate,
  asOfJoin,
  bounded,
  count,
  filter,
  first,
  hopping,
  keyBy,
  last,
  ohlcv,
  reorder,
  repartition,
  session,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import type { Log } from '../../src/log/log.ts';
import type { Topology } from '../../src/topology/topology.ts';
import type { TestTick } from '../support/drive.ts';
import { seededRandom } from '../support/killing.ts';
import { contentsOfLog, type PartitionContents } from '../support/logContents.ts';
import { appendTicksTo, inStore } from '../support/tickStore.ts';
import { appendQuotes, type TestQuote } from './quotes.ts';
import { Schedule, type Surroundings } from './schedule.ts';

const PARTITIONS = 2;
const KEYS = 6;
/** A directory in memory, where the system has one: nothing here is to outlive the test. */
const MEMORY = '/dev/shm';
const MICROS_PER_MS = 1_000;
/** Schedules of one input: they are run side by side in one store. */
export const SCHEDULES_PER_INPUT = 25;

/** Where a schedule's output was not the undisturbed run's. */
export interface Deviation {
  readonly seed: number;
  readonly what: string;
}

/**
 * Runs the schedules of one input beside an undisturbed run, and compares what they commit.
 * @param seeds of consecutive schedules of one input
 */
export async function simulate(seeds: readonly number[]): Promise<readonly Deviation[]> {
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'tidemark-simulation-'));
  try {
    return await inStore(directory, async (log, registry) => {
      const around: Surroundings = { log, registry, partitions: PARTITIONS };
      const input = Math.floor((seeds[0] ?? 0) / SCHEDULES_PER_INPUT);
      const phases = phasesOf(seededRandom(input), isRekeyed(input));
      const [firstPhase = NOTHING, ...later] = phases;
      await append(around, firstPhase, input);
      const calm = new Schedule(simulated('calm', input), around, null);
      const schedules = new Map<number, Schedule>();
      const deviations: Deviation[] = [];
      for (const seed of seeds) {
        const name = `schedule_${seed}`;
        schedules.set(seed, new Schedule(simulated(name, input), around, seededRandom(seed)));
      }
      for (const [i, phase] of [firstPhase, ...later].entries()) {
        if (i > 0) await append(around, phase, input);
        const ends = [...(await log.ranges('ticks')), ...(await log.ranges('quotes'))];
        await calm.runTo(ends, phase.quietMs);
        for (const [seed, schedule] of schedules) {
          await schedule.runTo(ends, phase.quietMs).catch((error: unknown) => {
            schedules.delete(seed);
            deviations.push({ seed, what: String(error) });
          });
        }
      }
      const expected = await committed(log, calm.topology);
      for (const [seed, { topology: own }] of schedules) {
        const actual = await committed(log, own);
        const differing = Object.keys(expected).filter((name) => actual[name] !== expected[name]);
        if (differing.length > 0) deviations.push({ seed, what: `other ${differing.join(', ')}` });
      }
      for (const schedule of [calm, ...schedules.values()]) await schedule.close();
      return deviations;
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Digests of what a topology committed, by topic and partition. */
async function committed(log: Log, { name }: Topology): Promise<Record<string, string>> {
  const described = (kind: string, contents: readonly PartitionContents[]): [string, string][] =>
    contents.map(({ records, digest }, partition) => [`${kind} ${partition}`, `${records} ${digest}`]);
  const topics = (await log.listTopics()).map(({ topic }) => topic);
  const ledgers = topics.filter((topic) => topic === `${name}.late` || topic === `${name}.stage1.late`);
  const all = await Promise.all(
    [name, ...ledgers].map(async (topic) => described(topic.slice(name.length), await contentsOfLog(log, topic))),
  );
  return Object.fromEntries(all.flat());
}

/** Whether the keys of an input lie spread over the partitions, so that its topology has to bring them together. */
function isRekeyed(input: number): boolean {
  return input % 4 >= 2;
}

/** Inputs in turn: one stream, a join of two, one stream keyed anew, and a join of two that both are. */
function simulated(name: string, input: number): Topology {
  const accumulation = input % 3 === 2 ? 'discarding' : 'accumulating';
  const windows = [tumbling('1s'), hopping('1500ms', '500ms'), session('400ms')] as const;
  const behaviour = { allowedLatenessMs: 500, accumulation } as const;
  const aggregates = { ...ohlcv('price', 'size'), count: count(), first: first('price'), last: last('price') };
  const toKey = isRekeyed(input) ? repartition : keyBy;
  if (input % 2 === 0) {
    return topology({
      name,
      version: 1,
      inputs: { ticks: 'ticks' },
      build: ({ ticks }) => ({
        [name]: ticks.pipe(
          watermark(bounded(300)),
          // What is dropped here has moved the watermark.
          filter((tick) => tick.price < 9),
          // What waits here is written for the next stage when the run flushes.
          input % 8 === 6 ? reorder() : (source) => source,
          toKey('instrument'),
          window(windows, behaviour),
          aggregate(aggregates),
        ),
      }),
    });
  }
  return topology({
    name,
    version: 1,
    inputs: { ticks: 'ticks', quotes: 'quotes' },
    build: ({ ticks, quotes }) => ({
      [name]: asOfJoin(
        ticks.pipe(watermark(bounded(300)), toKey('instrument')),
        quotes.pipe(
          watermark(bounded(200)),
          isRekeyed(input) ? repartition('instrument', { name: 'quotes' }) : keyBy('instrument'),
        ),
        { take: { bid: 'bid' }, maxAgeMs: 2_000 },
      ).pipe(window(windows, behaviour), aggregate({ ...aggregates, bid: last('bid') })),
    }),
  });
}

/** What a run finds new in both topics, in order of arrival. */
interface Phase {
  readonly ticks: readonly TestTick[];
  readonly quotes: readonly TestQuote[];
  /** For how long nothing comes after it, in a live run; null where it is bounded, and ends with a flush. */
  readonly quietMs: number | null;
}

const NOTHING: Phase = { ticks: [], quotes: [], quietMs: null };

/**
 * Records that are keyed anew are fewer, since they are taken in twice, and their runs bounded: in a live one a schedule decides when
 * the second stage sees what the first has written.
 */
function phasesOf(random: () => number, areRekeyed: boolean): Phase[] {
  const phases = 1 + Math.floor(random() * 3);
  const clocks = { ticks: { atMs: -2_000 }, quotes: { atMs: -2_000 } };
  const some = (most: number): undefined[] =>
    Array.from({ length: Math.floor(random() * most * (areRekeyed ? 0.5 : 1)) });
  return Array.from({ length: phases }, () => ({
    ticks: some(120).map(() => ({
      ...placed(random, clocks.ticks),
      price: Math.floor(random() * 1_000) / 100,
      size: Math.floor(random() * 1_000) / 1_000,
      sequence: random() < 0.5 ? Math.floor(random() * 100) : null,
    })),
    quotes: some(80).map(() => ({ ...placed(random, clocks.quotes), bid: Math.floor(random() * 100) })),
    quietMs: random() < 0.5 && !areRekeyed ? Math.floor(random() * 3_000) : null,
  }));
}

/** A key and an event time near a clock that goes on, with jumps, disorder and some that are late. */
function placed(random: () => number, clock: { atMs: number }) {
  clock.atMs += random() < 0.02 ? 5_000 : Math.floor(random() * 150);
  const disorderMs = random() < 0.1 ? Math.floor(random() * 5_000) - 3_500 : -Math.floor(random() * 400);
  return {
    instrument: `key-${Math.floor(random() * KEYS)}`,
    eventTime: (clock.atMs + disorderMs) * MICROS_PER_MS,
  };
}

async function append(around: Surroundings, { ticks, quotes }: Phase, input: number): Promise<void> {
  const { log, registry, partitions } = around;
  const ofKey = ({ instrument }: { readonly instrument: string }): number => Number(instrument.at(-1)) % partitions;
  const ofTime = ({ eventTime }: { readonly eventTime: number }): number =>
    Math.abs(eventTime / MICROS_PER_MS) % partitions;
  const partitionOf = isRekeyed(input) ? ofTime : ofKey;
  await appendTicksTo(log, registry, partitions, ticks, partitionOf);
  await appendQuotes(around, quotes, partitionOf);
}
