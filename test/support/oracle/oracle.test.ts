import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requirement } from '../requirement.ts';
import { add, compare, formatDecimal, midpoint, multiply, nearestQuotient, parseDecimal, toDouble } from './decimal.ts';
import { dataFile, haveDataFiles } from './files.ts';
import { midBars, readQuotes } from './quoteBars.ts';
import { differences, disorder, parseCsv, parseNdjson } from './rows.ts';
import { publishedRows, readDailyBars, readDayOfBars, rollUp } from './sourceBars.ts';
import { readTrades, tradeBars } from './tradeBars.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-oracle-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(content) : content);
  return path;
}

describe('exact decimals', () => {
  it('reads and writes plain decimals, and refuses anything else', () => {
    expect(['0', '-0.50', '12.500', '100', '0.00000001'].map((text) => formatDecimal(parseDecimal(text)))).toEqual([
      '0',
      '-0.5',
      '12.5',
      '100',
      '0.00000001',
    ]);
    for (const text of ['', '1e3', '1.', '.5', '+1', ' 1', 'NaN'])
      expect(() => parseDecimal(text)).toThrow(SyntaxError);
  });

  it('adds, multiplies and compares without rounding', () => {
    const tenth = parseDecimal('0.1');
    expect(formatDecimal(add(tenth, parseDecimal('0.2')))).toBe('0.3');
    expect(formatDecimal(multiply(parseDecimal('61837.63'), parseDecimal('0.00001')))).toBe('0.6183763');
    expect(compare(parseDecimal('1.10'), parseDecimal('1.1'))).toBe(0);
    expect(compare(parseDecimal('-2'), parseDecimal('-1.5'))).toBeLessThan(0);
    expect(toDouble(midpoint(parseDecimal('1.38694'), parseDecimal('1.38695')))).toBe(1.386945);
  });

  it('rounds a quotient to the nearest double, ties to even', () => {
    const quotient = (a: string, b: string) => nearestQuotient(parseDecimal(a), parseDecimal(b));
    expect(quotient('1', '3')).toBe(1 / 3);
    expect(quotient('-2', '3')).toBe(-2 / 3);
    expect(quotient('0.3', '0.1')).toBe(3);
    expect(quotient('0', '7')).toBe(0);
    expect(quotient('0.00000001', '30000')).toBe(1e-8 / 30000);
    expect(quotient('9007199254740993', '1')).toBe(9007199254740992);
    expect(quotient('9007199254740995', '1')).toBe(9007199254740996);
    expect(quotient('90071992547409930000000000000001', '10000000000000000')).toBe(9007199254740994);
    expect(() => quotient('1', '0')).toThrow(RangeError);
  });

  it('agrees with the division of the machine on integers, which IEEE 754 rounds correctly', () => {
    let state = 12345;
    const next = () => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state + 1;
    };
    for (let i = 0; i < 2_000; i++) {
      const a = next() * 1_000_003;
      const b = next();
      expect(nearestQuotient(parseDecimal(String(a)), parseDecimal(String(b)))).toBe(a / b);
    }
  });
});

describe('bars of trades', () => {
  const header = 'recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty,buyer_is_maker,order_type';

  it('opens and closes by time then trade id, sums exactly, and keeps windows half-open', () => {
    const path = file(
      'trades.csv',
      [
        header,
        '1,spot,A,0,59999,12,10.5,0.1,true,',
        '2,spot,A,0,1000,11,9,0.2,true,',
        '3,spot,A,0,1000,10,10,0.30,false,MARKET',
        '4,spot,A,0,60000,13,7,1,true,',
        '5,usdm,A,0,1500,1,0.1,3,true,MARKET',
      ].join('\n'),
    );
    expect(tradeBars(readTrades(path), '1m')).toEqual([
      {
        symbol: 'binance-spot:A',
        start: '1970-01-01T00:00:00.000Z',
        end: '1970-01-01T00:01:00.000Z',
        open: '10',
        high: '10.5',
        low: '9',
        close: '10.5',
        volume: '0.6',
        notional: '5.85',
        vwap: '9.75',
        count: '3',
      },
      {
        symbol: 'binance-spot:A',
        start: '1970-01-01T00:01:00.000Z',
        end: '1970-01-01T00:02:00.000Z',
        open: '7',
        high: '7',
        low: '7',
        close: '7',
        volume: '1',
        notional: '7',
        vwap: '7',
        count: '1',
      },
      {
        symbol: 'binance-usdm:A',
        start: '1970-01-01T00:00:00.000Z',
        end: '1970-01-01T00:01:00.000Z',
        open: '0.1',
        high: '0.1',
        low: '0.1',
        close: '0.1',
        volume: '3',
        notional: '0.3',
        vwap: '0.1',
        count: '1',
      },
    ]);
    expect(tradeBars(readTrades(path), '1h').map((bar) => bar.count)).toEqual(['4', '1']);
  });
});

describe('bars of mid prices', () => {
  it('knows the time zones of the venues and orders ties as they arrived', () => {
    const oanda = file('oanda_eurusd_20140504_tick_quote.csv.gz', '59999,1.1,1.2\r\n60000,1.3,1.4\r\n60000,1.2,1.2');
    expect(midBars(readQuotes(oanda), '1m')).toEqual([
      {
        symbol: 'oanda:EURUSD',
        interval: '1m',
        start: '2014-05-04T00:00:00.000Z',
        end: '2014-05-04T00:01:00.000Z',
        open: '1.15',
        high: '1.15',
        low: '1.15',
        close: '1.15',
        count: '1',
      },
      {
        symbol: 'oanda:EURUSD',
        interval: '1m',
        start: '2014-05-04T00:01:00.000Z',
        end: '2014-05-04T00:02:00.000Z',
        open: '1.35',
        high: '1.35',
        low: '1.2',
        close: '1.2',
        count: '2',
      },
    ]);
    const fxcm = file('fxcm_nzdusd_20140504_tick_quote.csv.gz', '0,0.8,0.7');
    expect(midBars(readQuotes(fxcm), '1h')).toMatchObject([
      { symbol: 'fxcm:NZDUSD', start: '2014-05-04T05:00:00.000Z', open: '0.75' },
    ]);
  });
});

describe.skipIf(!requirement('data', haveDataFiles(), 'the published Coinbase bars'))(
  'bars that an exchange published',
  () => {
    const bars = (interval: string) =>
      readDayOfBars(
        dataFile(`crypto_bars/coinbase_btcusd_20161007_${interval}.csv.gz`),
        'coinbase:BTC-USD',
        '2016-10-07',
      );

    it('roll up from seconds to the published minutes, and from minutes to the published day', () => {
      expect(publishedRows(rollUp(bars('second'), '1m'), '1m')).toEqual(publishedRows(bars('minute'), '1m'));
      const daily = readDailyBars(dataFile('crypto_bars/coinbase_btcusd_201610_daily.csv'), 'coinbase:BTC-USD');
      expect(publishedRows(rollUp(bars('second'), '1d'), '1d')).toEqual(publishedRows(daily.slice(-1), '1d'));
      expect(daily).toHaveLength(7);
    });
  },
);

describe('comparing rows', () => {
  const columns = { symbol: 'text', start: 'time', volume: 'decimal', vwap: 'double' } as const;
  const key = ['symbol', 'start'];
  const row = { symbol: 'a', start: '2024-08-08T23:54:00.000Z', volume: '12.5', vwap: '0.1' };

  it('finds nothing where the values are the same in another form', () => {
    const actual = parseCsv('symbol,start,volume,vwap,count\n"a",2024-08-08T23:54:00Z,12.500,0.10000000000000001,3\n');
    expect(differences({ expected: [row], actual, key, columns })).toEqual([]);
    const ndjson = parseNdjson('{"symbol":"a","start":"2024-08-08T23:54:00.000000Z","volume":"12.50","vwap":0.1}\n');
    expect(differences({ expected: [row], actual: ndjson, key, columns })).toEqual([]);
  });

  it('says in words what differs, is missing, comes twice or should not be', () => {
    const other = { ...row, symbol: 'b' };
    const actual = [
      { ...row, volume: '12.6', vwap: '1e-1' },
      { ...row, symbol: 'c' },
      { ...row, symbol: 'c' },
    ];
    expect(differences({ expected: [row, other], actual, key, columns })).toEqual([
      'a 2024-08-08T23:54:00.000Z: volume is 12.6, should be 12.5',
      'a 2024-08-08T23:54:00.000Z: vwap is 1e-1, should be 0.1',
      'c 2024-08-08T23:54:00.000Z: is there but should not be',
      'c 2024-08-08T23:54:00.000Z: comes twice',
      'b 2024-08-08T23:54:00.000Z: is missing',
    ]);
  });

  it('shows the first ten differences and counts the rest', () => {
    const expected = Array.from({ length: 13 }, (_, index) => ({ ...row, symbol: `s${index}` }));
    const found = differences({ expected, actual: [], key, columns });
    expect(found).toHaveLength(11);
    expect(found[10]).toBe('and 3 more');
  });

  it('sees a row that comes too late', () => {
    const rows = [row, { ...row, start: '2024-08-08T23:53:00.000Z' }, { ...row, symbol: 'b', start: '2000' }];
    expect(disorder(rows, key)).toEqual(['row 1: a 2024-08-08T23:53:00.000Z comes too late']);
  });
});
