import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { killRepeatedly, seededRandom, watchCommits } from '../support/killing.ts';
import { contentsOf, withLog } from '../support/logContents.ts';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

const TEST_TIMEOUT_MS = 300_000;
const KILLS = 6;
const LEAST_COMMITS = 50;
const ROWS_A_FILE = 8_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const env = { TIDEMARK_PRODUCER_BATCH_RECORDS: '100' };

async function produced(log: Log): Promise<number> {
  const known = (await log.listTopics()).some(({ topic }) => topic === 'ticks');
  return known ? (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0) : 0;
}

const LAYOUT = `
name: ticks
schema: tick
columns: [symbol, time, price]
fields:
  instrument: symbol
  eventTime: { column: time, unit: ms }
  price: price
  size: { value: 1 }
`;

describe(`producers under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-producer-kills-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs a command once undisturbed and once with kills, and expects the same in every partition. */
  async function expectSameUnderKills(name: string, args: readonly string[]): Promise<void> {
    const calm = join(directory, `${name}-calm`);
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => produced(log)], startTidemark(calm, args, { env })),
    );
    const { commits, end } = seen ?? { commits: 0, end: 0 };
    expect(commits).toBeGreaterThanOrEqual(LEAST_COMMITS);

    const killed = join(directory, `${name}-killed`);
    const start = () => startTidemark(killed, args, { env });
    await withLog(killed, (log) =>
      killRepeatedly({ progress: () => produced(log), end, start, kills: KILLS, random: seededRandom(seed) }),
    );
    await tidemark(killed, args, { env });
    for (const topic of ['ticks', 'deadletter']) {
      expect(await contentsOf(killed, topic), topic).toEqual(await contentsOf(calm, topic));
    }
    expect(await tidemark(killed, args, { env })).toMatch(/^rows 0, records 0, rejected 0, skipped \d+$/m);
  }

  it('merge files to the same records and dead letters', { timeout: TEST_TIMEOUT_MS }, async () => {
    const random = seededRandom(1);
    const files: string[] = [];
    for (const name of ['a.csv', 'b.csv', 'c.csv']) {
      const rows = Array.from({ length: ROWS_A_FILE }, (_, i) => {
        const isBad = random() < 0.05;
        return `x:${Math.floor(random() * 9)},${1_700_000_000_000 + i * 10 + Math.floor(random() * 50)},${isBad ? 'bad' : i}`;
      });
      const path = join(directory, name);
      await writeFile(path, rows.join('\n'));
      files.push(path);
    }
    const layout = join(directory, 'layout.yaml');
    await writeFile(layout, LAYOUT);
    await expectSameUnderKills('merge', ['produce', 'csv', '--layout', layout, ...files]);
  });

  it('simulate the same ticks', { timeout: TEST_TIMEOUT_MS }, async () => {
    const args = '--fast --count 40000 --start 2026-01-05T14:30:00Z --duplicate-fraction 0.05'.split(' ');
    await expectSameUnderKills('simulate', ['produce', 'simulate', ...args]);
  });
});
