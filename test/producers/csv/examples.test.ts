import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CsvSource } from '../../../src/producers/csv/csvSource.ts';
import { loadLayouts } from '../../../src/producers/csv/layout.ts';
import { dataFile, haveDataFiles, readLines } from '../../support/oracle/files.ts';
import { requirement } from '../../support/requirement.ts';
import { type Bench, openBench, type StoredRecord } from '../support.ts';

const available = requirement('data', haveDataFiles(), 'the example layouts over real files');

function example(...names: string[]) {
  const directory = resolve(import.meta.dirname, '../../../examples/layouts');
  return names.flatMap((name) => loadLayouts(resolve(directory, `${name}.yaml`)));
}

const micros = (iso: string): number => Date.parse(iso) * 1_000;

function countByKey(records: readonly StoredRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { key } of records) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** Times that go back from one record to the next, in a partition. */
function stepsBack(records: readonly StoredRecord[]): number {
  return records.filter(({ partition, eventTime }, i) => {
    const before = records[i - 1];
    return before?.partition === partition && Number(before.eventTime) > Number(eventTime);
  }).length;
}

describe.skipIf(!available)('the example layouts', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  async function produce(layouts: readonly string[], files: readonly string[]) {
    const source = await CsvSource.open(files.map(dataFile), example(...layouts));
    return bench.produce(source, { now: () => Date.UTC(2024, 7, 10) });
  }

  it('binance-trades: all trades, each as in its row', async () => {
    const file = 'crypto_ticks/binance_trades_20240808-09.csv.gz';
    expect(await produce(['binance-trades'], [file])).toMatchObject({ rows: 78_638, records: 78_638, rejected: 0 });
    const ticks = await bench.records('ticks');
    expect(countByKey(ticks)).toEqual({
      'binance-spot:BTCUSDT': 19_904,
      'binance-spot:ETHUSDT': 14_515,
      'binance-usdm:BTCUSDT': 21_313,
      'binance-usdm:ETHUSDT': 14_076,
      'binance-cm:BTCUSD_PERP': 5_235,
      'binance-cm:ETHUSD_PERP': 3_595,
    });
    const byTrade = new Map(ticks.map((tick) => [`${tick.key} ${tick.sequence}`, tick]));
    const [, ...lines] = readLines(dataFile(file));
    for (const line of lines) {
      const [recvNs = '', market, symbol, eventMs, tradeMs, tradeId, price, qty, isMaker, orderType] = line.split(',');
      const tick = byTrade.get(`binance-${market}:${symbol} ${tradeId}`);
      const { partition: _, ...fields } = { ...tick, partition: 0 };
      expect(fields).toEqual({
        key: `binance-${market}:${symbol}`,
        instrument: `binance-${market}:${symbol}`,
        eventTime: Number(tradeMs) * 1_000,
        price: Number(price),
        size: Number(qty),
        side: isMaker === 'true' ? 'sell' : 'buy',
        sequence: Number(tradeId),
        tradeId,
        publishTime: Number(eventMs) * 1_000,
        receiveTime: Number(BigInt(recvNs) / 1_000n),
        conditions: orderType === '' ? null : orderType,
      });
    }
  });

  it('binance-quotes: all quotes; spot has the time of receipt alone', async () => {
    const summary = await produce(['binance-quotes'], ['crypto_ticks/binance_quotes_20240808-09.csv.gz']);
    expect(summary).toMatchObject({ rows: 335_931, records: 335_931, rejected: 0 });
    const quotes = await bench.records('quotes');
    expect(countByKey(quotes)).toEqual({
      'binance-spot:BTCUSDT': 73_174,
      'binance-spot:ETHUSDT': 58_758,
      'binance-usdm:BTCUSDT': 66_089,
      'binance-usdm:ETHUSDT': 53_992,
      'binance-cm:BTCUSD_PERP': 48_355,
      'binance-cm:ETHUSD_PERP': 35_563,
    });
    const quoteOf = (key: string, sequence: number) =>
      quotes.find((quote) => quote.key === key && quote.sequence === sequence);
    expect(quoteOf('binance-spot:BTCUSDT', 50_093_412_258)).toMatchObject({
      eventTime: 1_723_161_568_764_069,
      receiveTime: 1_723_161_568_764_069,
      publishTime: null,
      bid: 61_694.01,
      bidSize: 1.00351,
      ask: 61_694.02,
      askSize: 2.3575,
    });
    expect(quoteOf('binance-cm:BTCUSD_PERP', 1_007_201_921_934)).toMatchObject({
      eventTime: 1_723_161_570_023_000,
      publishTime: 1_723_161_570_033_000,
      bid: 61_674.4,
      bidSize: 888,
    });
    const spot = quotes.filter(({ publishTime }) => publishTime === null);
    expect(spot).toHaveLength(131_932);
    expect(spot.every(({ eventTime, receiveTime }) => eventTime === receiveTime)).toBe(true);
  });

  it('oanda-quotes and fxcm-quotes: each in its own time zone, merged by time', async () => {
    const dates = ['20140502', '20140504'];
    const files = ['oanda', 'fxcm'].flatMap((venue) =>
      ['eurusd', 'nzdusd'].flatMap((pair) =>
        dates.map((date) => `forex_ticks/${venue}_${pair}_${date}_tick_quote.csv.gz`),
      ),
    );
    const summary = await produce(['oanda-quotes', 'fxcm-quotes'], files);
    expect(summary).toMatchObject({ rows: 293_680, records: 293_680, rejected: 0 });
    const quotes = await bench.records('quotes');
    expect(countByKey(quotes)).toEqual({
      'oanda:EURUSD': 49_341 + 1_164,
      'oanda:NZDUSD': 41_665 + 2_622,
      'fxcm:EURUSD': 96_406 + 8_025,
      'fxcm:NZDUSD': 73_439 + 21_018,
    });
    expect(stepsBack(quotes)).toBe(0);
    const sunday = (key: string) =>
      quotes.find((quote) => quote.key === key && Number(quote.eventTime) >= micros('2014-05-04T12:00:00Z'));
    // 75,600,462 ms after midnight UTC, and 50,451,815 ms after midnight five hours west of it: 21:00 and 19:00 UTC.
    expect(sunday('oanda:EURUSD')).toMatchObject({
      eventTime: micros('2014-05-04T21:00:00.462Z'),
      bid: 1.38817,
      ask: 1.38884,
    });
    expect(sunday('fxcm:EURUSD')).toMatchObject({
      eventTime: micros('2014-05-04T19:00:51.815Z'),
      bid: 1.387,
      ask: 1.3879,
    });
    expect(sunday('fxcm:EURUSD')).toMatchObject({ bidSize: null, askSize: null, sequence: null, receiveTime: null });
  });

  it('coinbase-bars: seconds, minutes and days in one command', async () => {
    const files = ['20161007_second.csv.gz', '20161007_minute.csv.gz', '201610_daily.csv'];
    const summary = await produce(
      ['coinbase-bars'],
      files.map((file) => `crypto_bars/coinbase_btcusd_${file}`),
    );
    expect(summary).toMatchObject({ rows: 4_063 + 1_419 + 7, rejected: 0 });
    const bars = await bench.records('source_bars');
    expect(countByKey(bars)).toEqual({ 'coinbase:BTC-USD': 4_063 + 1_419 + 7 });
    expect(stepsBack(bars)).toBe(0);
    const first = (interval: string) => bars.find((bar) => bar.interval === interval);
    expect(first('1s')).toMatchObject({ eventTime: micros('2016-10-07T00:00:04Z'), open: 611.78, volume: 0.60046 });
    expect(first('1m')).toMatchObject({ eventTime: micros('2016-10-07T00:00:00Z'), close: 611.9, volume: 1.13872 });
    expect(first('1d')).toMatchObject({
      eventTime: micros('2016-10-01T00:00:00Z'),
      open: 608.99,
      high: 617.19,
      low: 608.98,
      close: 615.65,
      volume: 3_480.01593911,
      source: 'coinbase',
      adjusted: false,
      provisional: false,
      revision: 0,
    });
  });
});
