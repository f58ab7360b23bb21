import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kill, killRepeatedly, type Progress, seededRandom, watchCommits } from '../support/killing.ts';
import { contentsOf } from '../support/logContents.ts';
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

const TEST_TIMEOUT_MS = 600_000;
const KILLS_OF_EACH = 10;
const LEAST_COMMITS = 50;
const TASK_GROUP = 'bars';

/** Small bounds, so that a run over the trades has hundreds of commits. */
const env = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '250',
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '250',
  TIDEMARK_COMMIT_MAX_RECORDS: '250',
  TIDEMARK_SINK_BATCH_ROWS: '2000',
};

const produced: Progress = async (log) => {
  const known = (await log.listTopics()).some(({ topic }) => topic === 'ticks');
  return known ? (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0) : 0;
};

const consumed: Progress = async (log) => {
  const positions = await log.committed(TASK_GROUP);
  return positions.filter(({ topic }) => topic === 'ticks').reduce((sum, position) => sum + position.offset, 0);
};

const produceArgs = ['produce', 'csv', '--layout', TRADES_LAYOUT, dataFile(TRADES)];
const runArgs = ['run', '--roles', 'topology,sink', '--until-end'];

function report(command: string, kills: readonly Kill[], end: number): void {
  console.log(`${command} killed with ${kills.map(({ after }) => after).join(', ')} of ${end} records committed`);
}

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const available = requirement('data', haveDataFiles(), 'kills over the real Binance trades');

describe.skipIf(!available)(`kill -9 over produce and run (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-kills-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('leaves the same bars, ticks and topics as an undisturbed run', { timeout: TEST_TIMEOUT_MS }, async () => {
    console.log(`TIDEMARK_TEST_SEED=${seed}`);
    const random = seededRandom(seed);
    const calm = join(directory, 'calm');
    const calmProduce = await watchCommits(calm, produced, startTidemark(calm, produceArgs, { env }));
    const calmRun = await watchCommits(calm, consumed, startTidemark(calm, runArgs, { env }));
    expect(calmProduce.commits).toBeGreaterThanOrEqual(LEAST_COMMITS);
    expect(calmRun.commits).toBeGreaterThanOrEqual(LEAST_COMMITS);

    const killed = join(directory, 'killed');
    const killing = { data: killed, kills: KILLS_OF_EACH, random };
    const produceKills = await killRepeatedly({
      ...killing,
      progress: produced,
      end: calmProduce.end,
      start: () => startTidemark(killed, produceArgs, { env }),
    });
    report('produce', produceKills, calmProduce.end);
    await produceTrades(killed, [dataFile(TRADES)], { env });
    expect(await contentsOf(killed, 'ticks')).toEqual(await contentsOf(calm, 'ticks'));

    const runKills = await killRepeatedly({
      ...killing,
      progress: consumed,
      end: calmRun.end,
      start: () => startTidemark(killed, runArgs, { env }),
    });
    report('run', runKills, calmRun.end);
    await runToEnd(killed, [], { env });
    for (const topic of ['bars', 'bars.late']) {
      expect(await contentsOf(killed, topic), topic).toEqual(await contentsOf(calm, topic));
    }
    expect(await queryCount(killed, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
    const bars = await allBarsCsv(killed);
    expectBarsOf(readTrades(dataFile(TRADES)), bars);
    expect(bars).toEqual(await allBarsCsv(calm));
  });
});
