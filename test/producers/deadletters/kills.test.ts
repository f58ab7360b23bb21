import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
const LAYOUT = `
name: rows
schema: tick
fields: { instrument: symbol, eventTime: { column: time, unit: ms }, price: price, size: { value: 1 } }
`;

async function released(log: Log): Promise<number> {
  return (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0);
}

describe(`releases under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-release-kills-'));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  type Payload = (schemaId: number, row: { readonly instrument: string; readonly price: number }) => Buffer;
  const encoded: Payload = framedTick;
  const rowOfFile: Payload = (_, { instrument, price }) => Buffer.from(`${instrument},1723161600000,${price}`);

  async function withLetters(data: string, payloadOf: Payload): Promise<void> {
    const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
    await withLog(data, async (log) => {
      await writeLetters(log, registry, []);
      const id = await registry.latestId('ticks-value');
      const letters = Array.from({ length: LETTERS }, (_, i) => {
        const payload = payloadOf(id, { instrument: `x:${i % 7}`, price: i + 1 });
        return { ...LETTER, source: 'rows.csv', position: i, payload, header: 'symbol,time,price' };
      });
      await writeLetters(log, registry, letters);
    });
    await registry.close();
  }

  it.each([
    ['record', 'records', encoded],
    ['row of a file, by its layout,', 'rows', rowOfFile],
  ])('write each %s once', { timeout: TEST_TIMEOUT_MS }, async (_, kind, payloadOf) => {
    const layout = join(directory, 'layout.yaml');
    await writeFile(layout, LAYOUT);
    const release = ['deadletter', 'release', '--all', '--layout', layout];
    const calm = join(directory, `calm-${kind}`);
    await withLetters(calm, payloadOf);
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => released(log)], startTidemark(calm, release, { env })),
    );
    expect(seen?.end).toBe(LETTERS);

    const killed = join(directory, `killed-${kind}`);
    await withLetters(killed, payloadOf);
    const start = () => startTidemark(killed, release, { env });
    await withLog(killed, (log) =>
      killRepeatedly({ progress: () => released(log), end: LETTERS, start, kills: KILLS, random: seededRandom(seed) }),
    );
    await tidemark(killed, release, { env });
    expect(await tidemark(killed, release, { env })).toBe('released 0\n');

    const registry = await openEmbeddedRegistry({ directory: join(killed, 'log') });
    const prices = await withLog(killed, async (log) =>
      (await readTopic(log, registry, 'ticks')).map(({ price }) => Number(price)),
    );
    await registry.close();
    expect(prices.sort((a, b) => a - b)).toEqual(Array.from({ length: LETTERS }, (_, i) => i + 1));
  });
});
