import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { killRepeatedly, seededRandom, type Undisturbed, watchCommits } from '../support/killing.ts';
import { contentsOf, withLog } from '../support/logContents.ts';
import { dataFile, haveDataFiles } from '../support/oracle/files.ts';
import { readTrades } from '../support/oracle/tradeBars.ts';
import { requirement } from '../support/requirement.ts';
import { startTidemark } from '../support/tidemarkCommand.ts';
import {
  allBarsCsv,
  expectBarsOf,
  produceTrades,
  queryCount,
  runToEnd,
  TRADE_COUNT,
  TRADES,
  TRADES_LAYOUT,
} from '../support/tradeRuns.ts';

const TEST_TIMEOUT_MS = 300_000;
const KILLS = { produce: 10, run: 10, store: 5 };
const LEAST_COMMITS = 50;

/** Small bounds, so that each step over the trades has more than a hundred commits. */
const env = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '250',
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '250',
  TIDEMARK_COMMIT_MAX_RECORDS: '250',
  TIDEMARK_SINK_BATCH_ROWS: '500',
};

async function offsetsOf(log: Log, groups: readonly string[], topics: readonly string[]): Promise<number> {
  const positions = (await Promise.all(groups.map((group) => log.committed(group)))).flat();
  return positions.filter(({ topic }) => topics.includes(topic)).reduce((sum, { offset }) => sum + offset, 0);
}

/** What has been committed: ticks by the producer, ticks taken in by the topology, ticks and bars stored by the sinks. */
const progress = {
  produce: async (log: Log) => {
    const known = (await log.listTopics()).some(({ topic }) => topic === 'ticks');
    return known ? (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0) : 0;
  },
  run: (log: Log) => offsetsOf(log, ['bars'], ['ticks']),
  store: (log: Log) => offsetsOf(log, ['sink.raw', 'sink.bars'], ['ticks', 'bars']),
} satisfies Record<string, (log: Log) => Promise<number>>;

type Step = keyof typeof progress;

const argsOf: Readonly<Record<Step, readonly string[]>> = {
  produce: ['produce', 'csv', '--layout', TRADES_LAYOUT, dataFile(TRADES)],
  run: ['run', '--roles', 'topology,sink', '--until-end'],
  store: ['run', '--roles', 'topology,sink', '--until-end'],
};

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = seededRandom(seed);

const available = requirement('data', haveDataFiles(), 'kills over the real Binance trades');

describe.skipIf(!available)(`kill -9 leaves the same bars, ticks and topics (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  /** A store that nothing disturbed, after produce and after run. */
  let produced: string;
  let calm: string;
  let calmBars: Readonly<Record<string, string>>;
  const undisturbed = new Map<Step, Undisturbed>();

  beforeAll(async () => {
    console.log(`TIDEMARK_TEST_SEED=${seed}`);
    directory = await mkdtemp(join(tmpdir(), 'tidemark-kills-'));
    produced = join(directory, 'produced');
    calm = join(directory, 'calm');
    await watch(produced, 'produce');
    await cp(produced, calm, { recursive: true });
    await watch(calm, 'run', 'store');
    calmBars = await allBarsCsv(calm);
  }, TEST_TIMEOUT_MS);

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs a command undisturbed and notes how each kind of commit went; the kinds are of one command. */
  async function watch(data: string, first: Step, ...others: Step[]): Promise<void> {
    const steps = [first, ...others];
    const watched = await withLog(data, (log) => {
      const kinds = steps.map((step) => () => progress[step](log));
      return watchCommits(kinds, startTidemark(data, argsOf[first], { env }));
    });
    for (const [index, step] of steps.entries()) undisturbed.set(step, watched[index] as Undisturbed);
  }

  async function killOver(step: Step, data: string): Promise<void> {
    const { commits, end } = undisturbed.get(step) as Undisturbed;
    expect(commits).toBeGreaterThanOrEqual(LEAST_COMMITS);
    const start = () => startTidemark(data, argsOf[step], { env });
    const kills = await withLog(data, (log) =>
      killRepeatedly({ progress: () => progress[step](log), end, start, kills: KILLS[step], random }),
    );
    const places = kills.map(({ after }) => after).join(', ');
    console.log(`${step}: at least ${commits} commits undisturbed; killed at ${places} of ${end}`);
  }

  async function expectSameAsCalm(data: string): Promise<void> {
    for (const topic of ['ticks', 'bars', 'bars.late']) {
      expect(await contentsOf(data, topic), topic).toEqual(await contentsOf(calm, topic));
    }
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
    const bars = await allBarsCsv(data);
    expectBarsOf(readTrades(dataFile(TRADES)), bars);
    expect(bars).toEqual(calmBars);
  }

  it('over produce', { timeout: TEST_TIMEOUT_MS }, async () => {
    const data = join(directory, 'produce');
    await killOver('produce', data);
    await produceTrades(data, [dataFile(TRADES)], { env });
    await runToEnd(data, [], { env });
    await expectSameAsCalm(data);
  });

  it('over run, between two commits of the topology', { timeout: TEST_TIMEOUT_MS }, async () => {
    const data = join(directory, 'run');
    await cp(produced, data, { recursive: true });
    await killOver('run', data);
    await runToEnd(data, [], { env });
    await expectSameAsCalm(data);
  });

  it('over run, between two commits of the sinks', { timeout: TEST_TIMEOUT_MS }, async () => {
    const data = join(directory, 'store');
    await cp(produced, data, { recursive: true });
    await killOver('store', data);
    await runToEnd(data, [], { env });
    await expectSameAsCalm(data);
  });
});
