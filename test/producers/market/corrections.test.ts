import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openStores, serve, temporaryData } from '../../api/served.ts';
import { run } from '../../cli/command.ts';
import { startVendor, type VendorServer } from './vendorServer.ts';

const TEST_TIMEOUT_MS = 240_000;
const HEADER = 'timestamp,open,high,low,close,volume';
const SYMBOL = 'alphavantage:IBM';

/** Minutes of two days in New York, the newest first; 14:00 is 18:00 UTC. */
const MINUTES = [
  '2026-04-02 14:00:00,30,31,29,30.5,100',
  '2026-04-01 15:00:00,20,21,19,20.5,100',
  '2026-04-01 14:59:00,10,12,9,11,100',
  '2026-04-01 14:30:00,10,18,8,10,100',
  '2026-04-01 14:00:00,9,10,8,10,100',
];

interface ServedBar {
  readonly start: string;
  readonly high: number;
  readonly close: number;
  readonly volume: number;
  readonly count: number;
  readonly revision: number;
}

describe('a correction of a published minute', () => {
  let vendor: VendorServer | null = null;
  const data = temporaryData();

  afterEach(() => vendor?.close());

  it('shows in the minute, its hour and its day, in SQL, on the command line and in the API, and in no other bar', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    // The corrected minute had the highest price of its hour and day, and comes without it, twice; then as it was, and nothing
    // is said of its volume any more.
    const answers = ['10,18,8,10,100', '10,13,8,10,40', '10,13,8,10,40', '10,18,8,10,'];
    vendor = await startVendor((_, count) => ({
      body: [HEADER, ...MINUTES.map((line) => line.replace('10,18,8,10,100', answers[count - 1] ?? '')), ''].join('\n'),
    }));
    const env = {
      TIDEMARK_ALPHAVANTAGE_KEY: 'demo',
      TIDEMARK_ALPHAVANTAGE_URL: `${vendor.url}/query`,
      TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: '0',
    };
    const command = async (...args: readonly string[]): Promise<string> => {
      const { status, stdout, stderr } = await run([...args, '--data', data], { env });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    const produce = ['produce', 'alphavantage', '--symbols', 'IBM', '--interval', '1m', '--month', '2026-04'];
    const store = ['run', '--roles', 'sink', '--until-end'];

    expect(await command(...produce)).toMatch(/^rows 5, records 5,/);
    await command(...store);
    const stores = await openStores(data);
    const api = await serve(stores);
    afterAll(() => api.close());
    const barsOf = async (interval: string): Promise<ServedBar[]> => {
      const response = await fetch(`${api.url}/v1/bars?symbol=${SYMBOL}&interval=${interval}`);
      return (await response.json()) as ServedBar[];
    };
    const all = async () => (await Promise.all(['1m', '1h', '1d'].map(barsOf))).flat();
    const before = await all();
    expect(before.map(({ start, count, revision }) => `${start.slice(5, 16)} ${count} ${revision}`)).toEqual([
      ...['04-01T18:00 1 0', '04-01T18:30 1 0', '04-01T18:59 1 0', '04-01T19:00 1 0', '04-02T18:00 1 0'],
      ...['04-01T18:00 3 0', '04-01T19:00 1 0', '04-02T18:00 1 0', '04-01T00:00 4 0', '04-02T00:00 1 0'],
    ]);
    expect(before.filter(({ high }) => high === 18)).toHaveLength(2);

    expect(await command(...produce)).toMatch(/^rows 1, records 1,/);
    await command(...store);
    const after = await all();
    const changed = after.filter((_, index) => JSON.stringify(after[index]) !== JSON.stringify(before[index]));
    expect(changed).toMatchObject([
      { start: '2026-04-01T18:30:00.000Z', high: 13, close: 10, volume: 40, count: 1, revision: 1 },
      { start: '2026-04-01T18:00:00.000Z', high: 13, close: 11, volume: 240, count: 3, revision: 1 },
      { start: '2026-04-01T00:00:00.000Z', high: 21, close: 20.5, volume: 340, count: 4, revision: 1 },
    ]);
    expect(after).toHaveLength(before.length);
    expect(await command('bars', '--interval', '1h', '--symbol', SYMBOL, '--format', 'csv')).toContain(
      `${SYMBOL},2026-04-01T18:00:00.000Z,2026-04-01T19:00:00.000Z,9,13,8,11,240,,3,1\n`,
    );
    const sql = `SELECT interval, sum(revision) AS n FROM published_bars GROUP BY interval ORDER BY interval`;
    expect(await command('query', sql, '--format', 'csv')).toBe('interval,n\n1d,1\n1h,1\n1m,1\n');

    expect(await command(...produce)).toMatch(/^rows 0, records 0,/);
    expect(await command(...produce)).toMatch(/^rows 1, records 1,/);
    await command(...store);
    const back = await all();
    expect(back.filter((_, index) => JSON.stringify(back[index]) !== JSON.stringify(before[index]))).toMatchObject([
      { start: '2026-04-01T18:30:00.000Z', high: 18, close: 10, volume: 40, revision: 2 },
      { start: '2026-04-01T18:00:00.000Z', high: 18, close: 11, volume: 240, revision: 2 },
      { start: '2026-04-01T00:00:00.000Z', high: 21, close: 20.5, volume: 340, revision: 2 },
    ]);

    const symbols = await (await fetch(`${api.url}/v1/symbols`)).json();
    expect(symbols).toMatchObject([
      { symbol: SYMBOL, intervals: [{ interval: '1m' }, { interval: '1h' }, { interval: '1d' }] },
    ]);
  });
});
