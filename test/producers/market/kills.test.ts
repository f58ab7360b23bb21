import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { effort } from '../../support/effort.ts';
import { killRepeatedly, seededRandom, watchCommits } from '../../support/killing.ts';
import { withLog } from '../../support/logContents.ts';
import { startTidemark } from '../../support/tidemarkCommand.ts';
import { readTopic } from '../support.ts';
import { HAS_RECORDINGS, recordedBody } from './recorded.ts';
import { startVendor, type VendorServer } from './vendorServer.ts';

const TEST_TIMEOUT_MS = effort(300_000);
/** There must be commits left to fall between. */
const KILLS = Math.min(10, effort(4));
const ROWS = 5_416;
/** A run writes to one of them. */
const TOPICS = ['source_bars', 'source_bars_history'];

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

async function produced(log: Log): Promise<number> {
  let records = 0;
  for (const { topic } of await log.listTopics()) {
    if (!TOPICS.includes(topic)) continue;
    records += (await log.ranges(topic)).reduce((sum, range) => sum + range.end, 0);
  }
  return records;
}

const ENVIRONMENT = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '50',
  TIDEMARK_ALPHAVANTAGE_KEY: 'demo',
  TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: '0',
  TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_MINUTE: '0',
  TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_DAY: '0',
};

/** How many records there were when a run was started, and how many requests had been sent. */
interface Start {
  readonly records: number;
  readonly asked: number;
}

/** A month of a backfill: more bars than a transaction takes. */
const MONTHS = Array.from(
  { length: 60 },
  (_, month) => `${2015 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`,
);
const BARS_A_MONTH = 90;

function monthOfBars(month: string): string {
  const rows = Array.from({ length: BARS_A_MONTH }, (_, bar) => {
    return `${month}-${String(20 - Math.floor(bar / 9)).padStart(2, '0')} 1${9 - (bar % 9)}:30:00,1,2,1,2,${bar}`;
  });
  return `timestamp,open,high,low,close,volume\n${rows.join('\n')}\n`;
}

describe.skipIf(!HAS_RECORDINGS)(`a market API's bars under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  let vendor: VendorServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-market-kills-'));
  });

  afterEach(() => vendor.close());

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs a command once undisturbed and once with kills; gives the bars of both. */
  async function bothRuns(name: string, args: readonly string[], url: string) {
    const env = { ...ENVIRONMENT, TIDEMARK_ALPHAVANTAGE_URL: url };
    const calm = join(directory, `${name}-calm`);
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => produced(log)], startTidemark(calm, args, { env })),
    );
    const killed = join(directory, `${name}-killed`);
    const end = seen?.end ?? 0;
    const starts: Start[] = [];
    const start = (records: number) => {
      starts.push({ records, asked: vendor.asked.length });
      return startTidemark(killed, args, { env: { ...env, TIDEMARK_ALPHAVANTAGE_URL: `${url}/killed` } });
    };
    await withLog(killed, async (log) => {
      let records = 0;
      const progress = async () => {
        records = await produced(log);
        return records;
      };
      const random = seededRandom(seed);
      const kills = await killRepeatedly({ progress, end, start: () => start(records), kills: KILLS, random });
      expect(kills).toHaveLength(KILLS);
      await start(await progress()).result;
      expect((await start(await progress()).result).stdout).toMatch(/^rows 0, records 0, rejected 0, skipped \d+$/m);
    });
    return { calm: await barsOf(calm), killed: await barsOf(killed), starts };
  }

  it('are each there once, with revision 0', { timeout: TEST_TIMEOUT_MS }, async () => {
    const body = recordedBody('alphavantage/json/TIME_SERIES_DAILY_MSFT_full_20190712.json');
    vendor = await startVendor(() => ({ body }));
    const args = ['produce', 'alphavantage', '--symbols', 'MSFT', '--full'];
    const { calm, killed } = await bothRuns('produce', args, vendor.url);
    expect(killed).toHaveLength(ROWS);
    expect(killed).toEqual(calm);
    expect(killed.every(({ revision }) => revision === 0)).toBe(true);
  });

  it('of a backfill are those of an undisturbed one, and no request that was done is sent again', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    vendor = await startVendor(({ searchParams }) => ({ body: monthOfBars(searchParams.get('month') ?? '') }));
    const stretch = ['--from', '2015-01-01', '--to', '2020-01-01'];
    const args = ['backfill', 'alphavantage', '--symbols', 'IBM', '--interval', '30m', ...stretch];
    const { calm, killed, starts } = await bothRuns('backfill', args, vendor.url);
    expect(killed).toHaveLength(MONTHS.length * BARS_A_MONTH);
    expect(killed).toEqual(calm);
    const asked = vendor.asked.map(({ searchParams }) => searchParams.get('month') ?? '');
    for (const [run, { records, asked: before }] of starts.entries()) {
      // Months are written one after the other, each done with its last bar: those that were all there are not asked for again.
      const done = Math.floor(records / BARS_A_MONTH);
      const sent = asked.slice(before, starts[run + 1]?.asked);
      // What LMDB had committed at the instant of a kill may be seen only once another process writes: one month more is done then.
      const first = sent[0] === MONTHS[done + 1] ? done + 1 : done;
      expect(sent).toEqual(MONTHS.slice(first, first + sent.length));
    }
    expect(new Set(asked.slice(starts[0]?.asked))).toEqual(new Set(MONTHS));
  });
});

/** The bars of a data directory in the topic's order, without when and where they came from. */
async function barsOf(data: string): Promise<Readonly<Record<string, unknown>>[]> {
  const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
  try {
    const bars = await withLog(data, async (log) => {
      const topics = (await log.listTopics()).filter(({ topic }) => TOPICS.includes(topic));
      expect(topics).toHaveLength(1);
      return readTopic(log, registry, topics[0]?.topic ?? '');
    });
    return bars.map(({ receiveTime: _, request: __, ...bar }) => bar);
  } finally {
    await registry.close();
  }
}
