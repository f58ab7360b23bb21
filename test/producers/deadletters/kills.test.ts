import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { killRepeatedly, seededRandom, watchCommits } from '../../support/killing.ts';
import { withLog } from '../../support/logContents.ts';
import { startTidemark, tidemark } from '../../support/tidemarkCommand.ts';
import { readTopic } from '../support.ts';
import { framedTick, LETTER, writeLetters } from './support.ts';

const TEST_TIMEOUT_MS = 300_000;
const KILLS = 4;
const LETTERS = 3_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const env = { TIDEMARK_PRODUCER_BATCH_RECORDS: '20' };
const RELEASE = ['deadletter', 'release', '--all'];

async function released(log: Log): Promise<number> {
  return (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0);
}

describe(`releases under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-release-kills-'));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function withLetters(data: string): Promise<void> {
    const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
    await withLog(data, async (log) => {
      await writeLetters(log, registry, []);
      const id = await registry.latestId('ticks-value');
      const letters = Array.from({ length: LETTERS }, (_, i) => {
        const payload = framedTick(id, { instrument: `x:${i % 7}`, price: i + 1 });
        return { ...LETTER, source: 'api', position: i, payload };
      });
      await writeLetters(log, registry, letters);
    });
    await registry.close();
  }

  it('write each row once', { timeout: TEST_TIMEOUT_MS }, async () => {
    const calm = join(directory, 'calm');
    await withLetters(calm);
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => released(log)], startTidemark(calm, RELEASE, { env })),
    );
    expect(seen?.end).toBe(LETTERS);

    const killed = join(directory, 'killed');
    await withLetters(killed);
    const start = () => startTidemark(killed, RELEASE, { env });
    await withLog(killed, (log) =>
      killRepeatedly({ progress: () => released(log), end: LETTERS, start, kills: KILLS, random: seededRandom(seed) }),
    );
    await tidemark(killed, RELEASE, { env });
    expect(await tidemark(killed, RELEASE, { env })).toBe('released 0\n');

    const registry = await openEmbeddedRegistry({ directory: join(killed, 'log') });
    const prices = await withLog(killed, async (log) =>
      (await readTopic(log, registry, 'ticks')).map(({ price }) => Number(price)),
    );
    await registry.close();
    expect(prices.sort((a, b) => a - b)).toEqual(Array.from({ length: LETTERS }, (_, i) => i + 1));
  });
});
