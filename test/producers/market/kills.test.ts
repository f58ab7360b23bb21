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
import { recordedBody } from './recorded.ts';
import { startVendor, type VendorServer } from './vendorServer.ts';

const TEST_TIMEOUT_MS = 300_000;
const KILLS = 4;
const ROWS = 5_416;
const TOPIC = 'source_bars';

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

async function produced(log: Log): Promise<number> {
  const known = (await log.listTopics()).some(({ topic }) => topic === TOPIC);
  return known ? (await log.ranges(TOPIC)).reduce((sum, range) => sum + range.end, 0) : 0;
}

describe(`a market API's bars under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  let vendor: VendorServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-market-kills-'));
    const body = recordedBody('alphavantage/json/TIME_SERIES_DAILY_MSFT_full_20190712.json');
    vendor = await startVendor(() => ({ body }));
  });

  afterAll(async () => {
    await vendor.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('are each there once, with revision 0', { timeout: TEST_TIMEOUT_MS }, async () => {
    const env = {
      TIDEMARK_PRODUCER_BATCH_RECORDS: '50',
      TIDEMARK_ALPHAVANTAGE_KEY: 'demo',
      TIDEMARK_ALPHAVANTAGE_URL: vendor.url,
      TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: '0',
      TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_MINUTE: '0',
      TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_DAY: '0',
    };
    const args = ['produce', 'alphavantage', '--symbols', 'MSFT', '--full'];
    const calm = join(directory, 'calm');
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => produced(log)], startTidemark(calm, args, { env })),
    );
    const killed = join(directory, 'killed');
    const start = () => startTidemark(killed, args, { env });
    await withLog(killed, (log) =>
      killRepeatedly({
        ...{ progress: () => produced(log), end: seen?.end ?? 0, start, kills: KILLS, random: seededRandom(seed) },
      }),
    );
    await tidemark(killed, args, { env });
    const [bars, undisturbed] = await Promise.all([killed, calm].map(barsOf));
    expect(bars).toHaveLength(ROWS);
    expect(bars).toEqual(undisturbed);
    expect(bars?.every(({ revision }) => revision === 0)).toBe(true);
    expect(await tidemark(killed, args, { env })).toMatch(/^rows 0, records 0, rejected 0, skipped \d+$/m);
  });
});

/** The bars of a data directory in the topic's order, without the time at which they came. */
async function barsOf(data: string): Promise<Readonly<Record<string, unknown>>[]> {
  const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
  try {
    const bars = await withLog(data, (log) => readTopic(log, registry, TOPIC));
    return bars.map(({ receiveTime: _, ...bar }) => bar);
  } finally {
    await registry.close();
  }
}
