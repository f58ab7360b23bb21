import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HAS_RECORDINGS } from '../producers/market/recorded.ts';
import { startVendor, type VendorServer } from '../producers/market/vendorServer.ts';
import { ORACLES } from '../producers/venues/oracle.ts';
import { recordedFrames } from '../producers/venues/sessions.ts';
import { yahooBody } from '../producers/yahoo/asked.ts';
import { dataFile } from '../support/oracle/files.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const TEST_TIMEOUT_MS = 240_000;
const SESSION = 'ws_raw/UPBIT.ws.62.0.txt.gz';
const MICROS_PER_MINUTE = 60_000_000;

/** Count and volume of each minute in the trades of the session. Volumes are added in whole hundred-millionths. */
function minutes(): readonly string[] {
  const oracle = ORACLES.upbit?.();
  const bars = new Map<string, { count: number; volume: bigint }>();
  for (const [symbol, , , size, , micros] of recordedFrames(SESSION).flatMap(
    ({ frame }) => oracle?.trades(frame) ?? [],
  )) {
    const start = Number(micros) - (Number(micros) % MICROS_PER_MINUTE);
    const key = `upbit:${symbol} ${new Date(start / 1_000).toISOString()}`;
    const bar = bars.get(key) ?? { count: 0, volume: 0n };
    const [whole = '', fraction = ''] = size.split('.');
    bar.count++;
    bar.volume += BigInt(whole + fraction.padEnd(8, '0'));
    bars.set(key, bar);
  }
  return [...bars].map(([key, { count, volume }]) => `${key} ${count} ${Number(volume) / 1e8}`).sort();
}

describe.skipIf(!HAS_RECORDINGS)('recorded daily history and a played recording in one installation', () => {
  let directory: string;
  let vendor: VendorServer;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-both-'));
    vendor = await startVendor(() => ({ body: yahooBody('chart/chart-AAPL-2020-08-31-to-2020-11-07.json') }));
  });

  afterEach(async () => {
    await vendor.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('are both served: the days as published, and exact minutes of the trades', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const data = join(directory, 'data');
    await tidemark(data, ['produce', 'yahoo', '--symbols', 'AAPL', '--range', '3mo'], {
      env: { TIDEMARK_YAHOO_URL: vendor.url },
    });
    await tidemark(data, ['produce', 'recording', dataFile(SESSION)]);
    await tidemark(data, ['run', '--roles', 'topology,sink', '--until-end']);
    const bars = await tidemark(data, ['bars', '--interval', '1m', '--format', 'ndjson']);
    const served = bars
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { symbol: string; start: string; count: number; volume: string })
      .map(({ symbol, start, count, volume }) => `${symbol} ${start} ${count} ${Number(volume)}`);
    expect(served.sort()).toEqual(minutes());
    const sql =
      'SELECT count() AS days, min(revision) AS revision FROM latest_source_bars WHERE symbol = $$yahoo:AAPL$$';
    expect(JSON.parse(await tidemark(data, ['query', sql, '--json']))).toMatchObject([{ days: 49, revision: 0 }]);
    const quotes = 'SELECT count() AS quotes FROM quotes';
    expect(JSON.parse(await tidemark(data, ['query', quotes, '--json']))).toEqual([{ quotes: 145 }]);
  });
});
