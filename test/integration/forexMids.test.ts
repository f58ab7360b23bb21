import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFile, haveDataFiles } from '../support/oracle/files.ts';
import { midBars, readQuotes } from '../support/oracle/quoteBars.ts';
import { type ColumnKind, differences, parseNdjson } from '../support/oracle/rows.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';
import { queryCount, runToEnd } from '../support/tradeRuns.ts';

const TEST_TIMEOUT_MS = 300_000;

/** A Friday with the week's close, and the Sunday of the week's open. */
const DATES = ['20140502', '20140504'];
const PAIRS = ['eurusd', 'nzdusd'];
const INTERVALS = ['1m', '5m', '1h'] as const;

const COLUMNS: Readonly<Record<string, ColumnKind>> = {
  symbol: 'text',
  interval: 'text',
  start: 'time',
  end: 'time',
  open: 'double',
  high: 'double',
  low: 'double',
  close: 'double',
  count: 'text',
};

const ISO = '%Y-%m-%dT%H:%i:%SZ';
const BARS_QUERY = `
  SELECT symbol, interval, formatDateTime(start, '${ISO}', 'UTC') AS start,
    formatDateTime(end, '${ISO}', 'UTC') AS end, open, high, low, close, toString(count) AS count, revision
  FROM mid_bars`;

const available = requirement('data', haveDataFiles(), 'bars of the mid prices of two forex venues');

describe.skipIf(!available)('bars of mid prices of two venues in two time zones, over two days', () => {
  let data: string;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'tidemark-forex-'));
  });

  afterAll(async () => {
    await rm(data, { recursive: true, force: true });
  });

  it('equal an exact computation', { timeout: TEST_TIMEOUT_MS }, async () => {
    const files = ['oanda', 'fxcm'].flatMap((venue) =>
      DATES.flatMap((date) => PAIRS.map((pair) => dataFile(`forex_ticks/${venue}_${pair}_${date}_tick_quote.csv.gz`))),
    );
    const layouts = ['oanda', 'fxcm'].flatMap((venue) => ['--layout', `examples/layouts/${venue}-quotes.yaml`]);
    await tidemark(data, ['produce', 'csv', ...layouts, ...files]);
    await runToEnd(data, ['examples/topologies/mid-bars.ts']);

    const quotes = files.flatMap(readQuotes);
    expect(await queryCount(data, 'SELECT count() FROM quotes')).toBe(quotes.length);
    const actual = parseNdjson(await tidemark(data, ['query', BARS_QUERY, '--format', 'ndjson']));
    const expected = INTERVALS.flatMap((interval) => midBars(quotes, interval));
    expect(differences({ expected, actual, key: ['symbol', 'interval', 'start'], columns: COLUMNS })).toEqual([]);
    expect(new Set(actual.map((bar) => bar.revision))).toEqual(new Set(['0']));
  });
});
