import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HAS_RECORDINGS, recordedBody } from '../producers/market/recorded.ts';
import { type Reply, startVendor, type VendorServer } from '../producers/market/vendorServer.ts';
import { endAll, run, start } from './command.ts';

/** Of several commands, one after the other. */
const TEST_TIMEOUT_MS = 240_000;
const KEY = 'SECRETKEY0123456';
const MONTHS = ['2020-01', '2020-02', '2020-03', '2020-04', '2020-05', '2020-06'];

/** A bar on the second day of the month. */
function month(url: URL): Reply {
  const name = url.searchParams.get('month') ?? '2022-01';
  return { body: `timestamp,open,high,low,close,volume\n${name}-02 10:00:00,1,2,1,2,9\n` };
}

describe.skipIf(!HAS_RECORDINGS)('tidemark backfill', { timeout: TEST_TIMEOUT_MS }, () => {
  let directory: string;
  let vendor: VendorServer;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-backfill-'));
  });

  afterEach(async () => {
    await endAll();
    await vendor.close();
    await rm(directory, { recursive: true, force: true });
  });

  const environment = (perSecond: number): Record<string, string> => ({
    TIDEMARK_ALPHAVANTAGE_KEY: KEY,
    TIDEMARK_ALPHAVANTAGE_URL: `${vendor.url}/query`,
    TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: String(perSecond),
    TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_MINUTE: '0',
    TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_DAY: '0',
    TIDEMARK_REQUESTS_BACKOFF_MS: '1',
  });
  const command = () => [
    ...[
      'backfill',
      'alphavantage',
      '--symbols',
      'IBM',
      '--interval',
      '1m',
      '--from',
      '2020-01-01',
      '--to',
      '2020-07-01',
    ],
    ...['--data', join(directory, 'data')],
  ];
  const backfill = (args: readonly string[] = [], perSecond = 0) =>
    run([...command(), ...args], { env: environment(perSecond) });
  const withoutKey = (args: readonly string[]) =>
    run([...command(), ...args], { env: { ...environment(0), TIDEMARK_ALPHAVANTAGE_KEY: '' } });
  const asked = () => vendor.asked.map(({ searchParams }) => searchParams.get('month'));

  it('says what it would take, without asking or making anything', async () => {
    vendor = await startVendor(month);
    const { status, stdout } = await backfill(['--dry-run'], 2);
    const lines = stdout.trim().split('\n');
    expect([status, lines.pop()]).toEqual([0, "requests 6, done 0, left 6, at least 2 s by the plan's limits"]);
    expect(lines.map((line) => new URL(line).searchParams.get('month'))).toEqual(MONTHS);
    expect(stdout).not.toContain(KEY);
    expect(vendor.asked).toEqual([]);
  });

  it('needs a key to ask, but not to say what it would ask', async () => {
    vendor = await startVendor(month);
    expect(await withoutKey(['--dry-run'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('requests 6,'),
    });
    expect(await withoutKey([])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('TIDEMARK_ALPHAVANTAGE_KEY'),
    });
    expect(vendor.asked).toEqual([]);
  });

  it('sends each request once, and none that it has done', async () => {
    vendor = await startVendor(month);
    expect(await backfill()).toMatchObject({ status: 0, stdout: 'rows 6, records 6, rejected 0, skipped 0\n' });
    expect(asked()).toEqual(MONTHS);
    expect(await backfill()).toEqual({
      status: 0,
      stdout: 'rows 0, records 0, rejected 0, skipped 6\n',
      stderr: 'requests that were done before, and not sent again: 6\n',
    });
    expect(asked()).toEqual(MONTHS);
    expect((await backfill(['--dry-run', '--json'])).stdout).toBe(
      '{"requests":6,"done":6,"left":0,"seconds":0,"urls":[]}\n',
    );
  });

  it('says how long the rest takes after the requests of the last hours, whichever series they were for', async () => {
    vendor = await startVendor(month);
    const free = { env: { ...environment(0), TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_DAY: '6' } };
    const stretch = ['--interval', '1m', '--from', '2020-01-01', '--to', '2020-07-01'];
    const of = (symbol: string, ...more: readonly string[]) =>
      run(
        ['backfill', 'alphavantage', '--symbols', symbol, ...stretch, '--data', join(directory, 'data'), ...more],
        free,
      );
    expect((await of('MSFT', '--dry-run')).stdout).toContain('left 6, at least 0 s by');
    expect(await of('IBM')).toMatchObject({ status: 0 });
    expect((await of('MSFT', '--dry-run')).stdout).toContain('left 6, at least 24 h by');
    expect((await of('MSFT,ABC,DEF', '--dry-run')).stdout).toContain('left 18, at least 3 days by');
  });

  it('killed with -9, goes on with the first request that was not done', async () => {
    let reachFourth = (): void => {};
    const fourth = new Promise<void>((reached) => {
      reachFourth = reached;
    });
    const held = new Promise<Reply>(() => {});
    vendor = await startVendor((url, count) => {
      if (count !== 4) return month(url);
      reachFourth();
      return held;
    });
    const running = start(command(), { env: environment(0) });
    await fourth;
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await backfill()).toMatchObject({ status: 0, stdout: 'rows 3, records 3, rejected 0, skipped 3\n' });
    expect(asked()).toEqual([...MONTHS.slice(0, 4), ...MONTHS.slice(3)]);
  });

  it('goes on another day where the requests of one are used up', async () => {
    const quota = recordedBody('alphavantage/errors/information_25_per_day.json');
    vendor = await startVendor((url, count) => (count === 3 ? { body: quota } : month(url)));
    const first = await backfill();
    expect([first.status, first.stderr]).toEqual([1, expect.stringContaining('TM_SOURCE_QUOTA')]);
    expect(await backfill()).toMatchObject({ status: 0, stdout: 'rows 4, records 4, rejected 0, skipped 2\n' });
    expect(asked()).toEqual([...MONTHS.slice(0, 3), ...MONTHS.slice(2)]);
  });

  it('shows how far it is, and how long the rest takes by the limits of the plan', async () => {
    vendor = await startVendor(month);
    const { stderr } = await run(command(), {
      env: { ...environment(0), TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_MINUTE: '100' },
    });
    expect(stderr).toMatch(/^6 of 6 \(100%\) requests, .*, 6 rows$/m);
  });

  it('goes to a topic that no live topology reads, and into a live one only when told to', async () => {
    const later = 'timestamp,open,high,low,close,volume\n2021-01-04 10:00:00,1,2,1,2,9\n';
    vendor = await startVendor((url) => (url.searchParams.get('month') === null ? { body: later } : month(url)));
    const live = ['produce', 'alphavantage', '--symbols', 'IBM', '--interval', '1m', '--data', join(directory, 'data')];
    expect((await run(live, { env: environment(0) })).stdout).toMatch(/^rows 1, records 1,/);
    const refused = await backfill(['--topic', 'source_bars']);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/TM_PRODUCE_HISTORY.*source_bars/s)]);
    expect(asked()).toEqual([null]);
    expect((await backfill()).stdout).toMatch(/^rows 6, records 6,/);
    expect(asked()).toEqual([null, ...MONTHS]);
    // What either topic has is published.
    expect((await backfill(['--topic', 'source_bars', '--allow-late'])).stdout).toMatch(/^rows 0, records 0,/);
  });

  it('is refused what another process is asking for, by the name of that, and not another interval', async () => {
    let reachFirst = (): void => {};
    const first = new Promise<void>((reached) => {
      reachFirst = reached;
    });
    let answer = (_: Reply): void => {};
    const held = new Promise<Reply>((answered) => {
      answer = answered;
    });
    vendor = await startVendor((url, count) => {
      if (count !== 1) return month(url);
      reachFirst();
      return held;
    });
    const running = start(command(), { env: environment(0) });
    await first;
    const live = ['produce', 'alphavantage', '--symbols', 'AAPL,IBM', '--data', join(directory, 'data')];
    const refused = await run([...live, '--interval', '1m'], { env: environment(0) });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`TM_PRODUCE_HELD: process ${running.child.pid} is asking for alphavantage:IBM 1m`);
    expect(asked()).toHaveLength(1);
    expect(await run([...live, '--interval', '1d'], { env: environment(0) })).toMatchObject({ status: 0 });
    answer(month(new URL('http://vendor/?month=2020-01')));
    expect(await running.ended).toMatchObject({ status: 0, stdout: 'rows 6, records 6, rejected 0, skipped 0\n' });
    // A lock ends with its holder, and AAPL was let go of.
    expect((await run([...live, '--interval', '1m'], { env: environment(0) })).status).toBe(0);
  });

  it.each([
    [['--to', '2019-01-01'], 'later than --from'],
    [['--from', 'x'], '--from'],
    [['--market', 'fx'], 'EUR/USD'],
  ])('with %j is wrong usage', async (args, says) => {
    vendor = await startVendor(month);
    const { status, stderr } = await backfill(args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});
