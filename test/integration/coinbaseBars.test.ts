import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFile, haveDataFiles } from '../support/oracle/files.ts';
import { type ColumnKind, differences, parseNdjson } from '../support/oracle/rows.ts';
import { publishedRows, readDailyBars, readDayOfBars } from '../support/oracle/sourceBars.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';
import { runToEnd } from '../support/tradeRuns.ts';

const TEST_TIMEOUT_MS = 180_000;
const SYMBOL = 'coinbase:BTC-USD';

const COLUMNS: Readonly<Record<string, ColumnKind>> = {
  symbol: 'text',
  interval: 'text',
  start: 'time',
  open: 'decimal',
  high: 'decimal',
  low: 'decimal',
  close: 'decimal',
  volume: 'decimal',
};

const BARS_QUERY = `
  SELECT symbol, interval, formatDateTime(start, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS start,
    open, high, low, close, toString(volume) AS volume
  FROM rollup_bars`;

const available = requirement('data', haveDataFiles(), 'the published Coinbase bars');

describe.skipIf(!available)('second bars of Coinbase rolled up', () => {
  let data: string;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'tidemark-coinbase-'));
  });

  afterAll(async () => {
    await rm(data, { recursive: true, force: true });
  });

  it('equal the minute bars and the daily bar that it published, volume included', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const published = (interval: string) => dataFile(`crypto_bars/coinbase_btcusd_20161007_${interval}.csv.gz`);
    await tidemark(data, ['produce', 'csv', '--layout', 'examples/layouts/coinbase-bars.yaml', published('second')]);
    await runToEnd(data, ['examples/topologies/rollup-bars.ts']);

    const minutes = readDayOfBars(published('minute'), SYMBOL, '2016-10-07');
    const days = readDailyBars(dataFile('crypto_bars/coinbase_btcusd_201610_daily.csv'), SYMBOL);
    const expected = [...publishedRows(minutes, '1m'), ...publishedRows(days.slice(-1), '1d')];
    const actual = parseNdjson(await tidemark(data, ['query', BARS_QUERY, '--format', 'ndjson']));
    expect(differences({ expected, actual, key: ['symbol', 'interval', 'start'], columns: COLUMNS })).toEqual([]);
  });
});
