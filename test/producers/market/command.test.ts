import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { endAll, run, start } from '../../cli/command.ts';
import { readTopic, type StoredRecord } from '../support.ts';
import { yahooBody } from '../yahoo/asked.ts';
import { HAS_RECORDINGS, recordedBody } from './recorded.ts';
import { type Reply, startVendor, type VendorServer } from './vendorServer.ts';

/** Of several commands, one after the other. */
const TEST_TIMEOUT_MS = 240_000;
const KEY = 'SECRETKEY0123456';
const DAILY = recordedBody('alphavantage/json/TIME_SERIES_DAILY_MSFT_compact_20190712.json');
const LIMITS = { REQUESTS_PER_SECOND: '0', REQUESTS_PER_MINUTE: '0', REQUESTS_PER_DAY: '0' };

describe.skipIf(!HAS_RECORDINGS)('tidemark produce, of a market API', { timeout: TEST_TIMEOUT_MS }, () => {
  let directory: string;
  let vendor: VendorServer;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-market-'));
  });

  afterEach(async () => {
    await endAll();
    await vendor.close();
    await rm(directory, { recursive: true, force: true });
  });

  function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const limits = ['ALPHAVANTAGE', 'YAHOO'].flatMap((name) =>
      Object.entries(LIMITS).map(([limit, value]) => [`TIDEMARK_${name}_${limit}`, value]),
    );
    return {
      ...Object.fromEntries(limits),
      TIDEMARK_ALPHAVANTAGE_KEY: KEY,
      TIDEMARK_ALPHAVANTAGE_URL: `${vendor.url}/query`,
      TIDEMARK_YAHOO_URL: vendor.url,
      TIDEMARK_YAHOO_COOKIE_URL: `${vendor.url}/cookie`,
      TIDEMARK_REQUESTS_BACKOFF_MS: '1',
      TIDEMARK_REQUESTS_MAX_BACKOFF_MS: '1',
      ...more,
    };
  }

  async function serve(reply: (...asked: Parameters<Parameters<typeof startVendor>[0]>) => Reply): Promise<void> {
    vendor = await startVendor(reply);
  }

  const produce = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(['produce', ...args, '--data', join(directory, 'data')], { env: environment(env) });

  async function records(topic: string): Promise<StoredRecord[]> {
    const log = await openEmbeddedLog({ directory: join(directory, 'data', 'log'), now: Date.now });
    const registry = await openEmbeddedRegistry({ directory: join(directory, 'data', 'log') });
    try {
      return await readTopic(log, registry, topic);
    } finally {
      await registry.close();
      await log.close();
    }
  }

  /** Everything that the command left in its data directory, as bytes. */
  function stored(): Buffer {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
  }

  it('alphavantage: bars with where they come from, and the next time only what has changed', async () => {
    await serve((_, count) => ({ body: count < 3 ? DAILY : DAILY.replace('"18936832"', '"18936999"') }));
    const command = ['alphavantage', '--symbols', 'msft'];
    expect(await produce(command)).toMatchObject({
      status: 0,
      stdout: 'rows 100, records 100, rejected 0, skipped 0\n',
    });
    expect(vendor.asked.map(({ search }) => search)).toEqual([
      `?function=TIME_SERIES_DAILY&symbol=MSFT&outputsize=compact&apikey=${KEY}`,
    ]);
    const bars = await records('source_bars');
    expect(bars).toHaveLength(100);
    expect(bars.at(-1)).toMatchObject({
      ...{ key: 'alphavantage:MSFT', interval: '1d', open: 138.85, low: 138.0099, volume: 18_936_832, revision: 0 },
      ...{ source: 'alphavantage', adjusted: false, provisional: false, receiveTime: expect.any(Number) },
      request: `${vendor.url}/query?function=TIME_SERIES_DAILY&symbol=MSFT&outputsize=compact`,
    });
    const second = await produce(command);
    expect(second).toMatchObject({ status: 0, stdout: 'rows 0, records 0, rejected 0, skipped 100\n' });
    expect(second.stderr).toContain('nothing new');
    expect(await produce(command)).toMatchObject({ stdout: 'rows 1, records 1, rejected 0, skipped 100\n' });
    expect((await records('source_bars')).slice(100)).toMatchObject([
      { eventTime: Date.UTC(2019, 6, 12, 4) * 1_000, volume: 18_936_999, close: 138.9, revision: 1 },
    ]);
    const sql = (query: string) => run(['query', query, '--format', 'csv', '--data', join(directory, 'data')]);
    const sink = await run(['run', '--roles', 'sink', '--until-end', '--data', join(directory, 'data')]);
    expect(sink.status, sink.stderr).toBe(0);
    const query = 'SELECT count(), max(revision), sum(volume = 18936832) FROM';
    expect((await sql(`${query} source_bars`)).stdout.split('\n')[1]).toBe('101,1,1');
    expect((await sql(`${query} latest_source_bars`)).stdout.split('\n')[1]).toBe('100,1,0');
  });

  it('alphavantage: what may pass is asked for again; what cannot is told, and the other symbols are had', async () => {
    const error = (name: string) => recordedBody(`alphavantage/errors/${name}.json`);
    await serve((url, count) => {
      if (url.searchParams.get('symbol') === 'NONE') return { body: error('error_invalid_api_call_daily') };
      const passing = [error('information_1_per_second'), error('note_5_per_minute'), '<html>', DAILY.slice(0, 500)];
      return count <= 4 ? { status: count === 3 ? 503 : 200, body: passing[count - 1] ?? '' } : { body: DAILY };
    });
    const ended = await produce(['alphavantage', '--symbols', 'MSFT,NONE']);
    expect(ended.status).toBe(1);
    expect(ended.stdout).toBe('rows 100, records 100, rejected 0, skipped 0\n');
    expect(ended.stderr).toMatch(/error TM_SOURCE_REQUEST: 1 of 2 requests failed.*Invalid API call/);
    expect(vendor.asked.map(({ searchParams }) => searchParams.get('symbol'))).toEqual([
      ...['MSFT', 'MSFT', 'MSFT', 'MSFT', 'MSFT', 'NONE'],
    ]);
  });

  it('alphavantage: the key is in no output, error, record or file, though the API echoes it', async () => {
    const echo = recordedBody('alphavantage/errors/information_25_per_day.json').replace('YOUR_API_KEY_HERE', KEY);
    const bad = `timestamp,open,high,low,close,volume\n2026-05-15,${KEY},1,1,1,1\n2026-05-14,1,1,1,1,1\n`;
    await serve((_, count) => ({
      body: [bad, echo, `<html>${KEY}`, `{"Error Message":"apikey=${KEY}"}`][count - 1] ?? '',
    }));
    const command = ['alphavantage', '--symbols', 'IBM', '--json'];
    const outputs = [await produce(command), await produce(command)];
    outputs.push(await produce(command, { TIDEMARK_REQUESTS_RETRIES: '0' }), await produce(command));
    await vendor.close();
    outputs.push(await produce(command, { TIDEMARK_REQUESTS_RETRIES: '0' }));
    const codes = outputs.map(({ stderr }) => /TM_[A-Z_]+/.exec(stderr)?.[0] ?? null);
    expect(codes).toEqual([
      ...[null, 'TM_SOURCE_QUOTA', 'TM_SOURCE_RESPONSE', 'TM_SOURCE_REQUEST', 'TM_SOURCE_UNREACHABLE'],
    ]);
    expect(await records('deadletter')).toMatchObject([{ reason: 'number', source: expect.stringContaining('IBM') }]);
    expect(outputs.map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(KEY);
    expect(outputs[1]?.stderr).toContain('REDACTED');
    expect(stored().includes(KEY)).toBe(false);
    expect(stored().includes('REDACTED')).toBe(true);
  });

  it('yahoo: bars and quotes end to end, the same ones once', async () => {
    await serve(({ pathname, searchParams }) => {
      if (pathname === '/v7/finance/quote') return { body: yahooBody('quote/quote-AAPL-BABA.json') };
      if (pathname === '/v8/finance/chart/AAPL' && searchParams.get('range') === '3mo') {
        return { body: yahooBody('chart/chart-AAPL-2020-08-31-to-2020-11-07.json') };
      }
      return { status: 404, body: yahooBody('errors/404_chart_not_found.json') };
    });
    const bars = ['yahoo', '--symbols', 'AAPL', '--range', '3mo'];
    expect(await produce(bars)).toMatchObject({ status: 0, stdout: 'rows 49, records 49, rejected 0, skipped 0\n' });
    expect(await produce(bars)).toMatchObject({ status: 0, stdout: 'rows 0, records 0, rejected 0, skipped 49\n' });
    expect((await records('source_bars'))[0]).toMatchObject({
      ...{ key: 'yahoo:AAPL', source: 'yahoo', close: 129.04, adjusted: true, splitFactor: 4, currency: 'USD' },
    });
    const quotes = ['yahoo', '--symbols', 'AAPL,BABA', '--quote'];
    expect(await produce(quotes)).toMatchObject({ status: 0, stdout: 'rows 2, records 2, rejected 0, skipped 0\n' });
    expect(await produce(quotes)).toMatchObject({ status: 0, stdout: 'rows 0, records 0, rejected 0, skipped 2\n' });
    expect((await records('quotes')).map(({ key }) => key).sort()).toEqual(['yahoo:AAPL', 'yahoo:BABA']);
    const unknown = await produce(['yahoo', '--symbols', 'NONE']);
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringMatching(/TM_SOURCE_SYMBOL.*No data found/)]);
  });

  it('yahoo: logs in where quotes want a cookie and its crumb, and keeps both to itself', async () => {
    const invalid = { status: 401, body: yahooBody('errors/401_invalid_crumb.json') };
    let logins = 0;
    let quotes = 0;
    await serve(({ pathname, searchParams }, _, { cookie }) => {
      const [a3, crumb] = [`A3=SECRETCOOKIE${logins}`, `SECRETCRUMB/${logins}`];
      if (pathname === '/cookie') {
        logins++;
        const cookies = [`A3=SECRETCOOKIE${logins}; Domain=.yahoo.com; Secure`, 'A1S=x; Secure'];
        return { status: 404, headers: { 'set-cookie': cookies }, body: 'not here' };
      }
      if (cookie !== `${a3}; A1S=x`) return invalid;
      if (pathname === '/v1/test/getcrumb') return { body: crumb };
      if (searchParams.get('crumb') !== crumb) return invalid;
      if (++quotes === 2) return { status: 500, body: `${cookie} ${crumb}` };
      return { body: yahooBody('quote/quote-AAPL-BABA.json') };
    });
    const command = ['yahoo', '--symbols', 'AAPL,BABA', '--quote', '--json'];
    const first = await produce(command);
    expect([first.status, JSON.parse(first.stdout)]).toMatchObject([0, { records: 2 }]);
    expect(vendor.asked.map(({ pathname }) => pathname)).toEqual([
      ...['/v7/finance/quote', '/cookie', '/v1/test/getcrumb', '/v7/finance/quote'],
    ]);
    const failed = await produce(command, { TIDEMARK_REQUESTS_RETRIES: '0' });
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringMatching(/TM_SOURCE_SERVER.*REDACTED REDACTED/)]);
    expect(stored().includes('SECRETC')).toBe(false);
    expect(first.stdout + first.stderr + failed.stdout + failed.stderr).not.toContain('SECRETC');
  });

  it('yahoo: says so where there is no login to be had', async () => {
    await serve(({ pathname }) =>
      pathname === '/cookie'
        ? { body: 'consent, please' }
        : { status: 401, body: yahooBody('errors/401_invalid_crumb.json') },
    );
    const { status, stderr } = await produce(['yahoo', '--symbols', 'AAPL', '--quote']);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/TM_SOURCE_ACCESS.*no cookie/)]);
    expect(vendor.asked).toHaveLength(2);
  });

  it('--every goes on, round after round, until it is stopped', async () => {
    let reachFifth = (): void => {};
    const fifth = new Promise<void>((reached) => {
      reachFifth = reached;
    });
    await serve((_, count) => {
      if (count === 5) reachFifth();
      return { body: DAILY.replace('"18936832"', `"${18_936_832 + count}"`) };
    });
    const command = ['produce', 'alphavantage', '--symbols', 'MSFT', '--every', '1ms', '--data'];
    const running = start([...command, join(directory, 'data')], { env: environment() });
    await fifth;
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^rows 1\d\d, /) });
    const revisions = (await records('source_bars')).slice(100).map(({ revision }) => revision);
    expect(revisions.length).toBeGreaterThanOrEqual(3);
    expect(revisions).toEqual(Array.from(revisions, (_, index) => index + 1));
  });

  it('several commands at once share the requests of a plan', async () => {
    await serve(({ searchParams }) => ({ body: DAILY.replaceAll('MSFT', searchParams.get('symbol') ?? '') }));
    const ended = await Promise.all(
      ['A,B', 'C,D', 'E,F'].map((symbols) =>
        produce(['alphavantage', '--symbols', symbols], { TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_DAY: '4' }),
      ),
    );
    expect(vendor.asked).toHaveLength(4);
    expect(new Set(vendor.asked.map(({ searchParams }) => searchParams.get('symbol'))).size).toBe(4);
    for (const { status, stderr } of ended)
      expect(status === 0 || stderr.includes('TM_SOURCE_QUOTA'), stderr).toBe(true);
    expect(await records('source_bars')).toHaveLength(400);
  });

  it.each([
    [['alphavantage'], 'symbols'],
    [['alphavantage', '--symbols', 'A B'], 'A B'],
    [['alphavantage', '--symbols', 'IBM', '--interval', '7d'], '7d'],
    [['alphavantage', '--symbols', 'IBM', '--month', '2009-13'], '2009-13'],
    [['alphavantage', '--symbols', 'IBM', '--month', '2009-01'], '--month'],
    [['alphavantage', '--symbols', 'IBM', '--market', 'fx'], 'EUR/USD'],
    [['alphavantage', '--symbols', 'EUR/USD', '--market', 'fx', '--adjusted'], '--adjusted'],
    [['alphavantage', '--symbols', 'IBM', '--quote', '--adjusted'], '--quote'],
    [['alphavantage', '--symbols', 'IBM', '--quote', '--full'], '--full'],
    [['yahoo', '--symbols', '..'], '".." is not a symbol'],
    [['yahoo', '--symbols', 'AAPL', '--every', '5'], 'TM_DURATION'],
  ])('%j is wrong usage', async (args, says) => {
    await serve(() => ({ body: '' }));
    const { status, stderr } = await produce(args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(vendor.asked).toEqual([]);
  });

  it('alphavantage needs a key', async () => {
    await serve(() => ({ body: '' }));
    const { status, stderr } = await produce(['alphavantage', '--symbols', 'IBM'], { TIDEMARK_ALPHAVANTAGE_KEY: '' });
    expect([status, stderr]).toEqual([2, expect.stringContaining('TIDEMARK_ALPHAVANTAGE_KEY')]);
  });
});
