import { describe, expect, it } from 'vitest';
import { parseAlphaVantage } from '../../../src/producers/alphavantage/parse.ts';
import { BarLedger } from '../../../src/producers/market/barLedger.ts';
import { HAS_RECORDINGS, iso, recordedBody, recordedFiles, response } from '../market/recorded.ts';
import { MSFT_DAILY, NOT_DATA, parseRecorded, RECORDED, stocks } from './asked.ts';

const byStart = (file: string, received?: string) =>
  new Map(parseRecorded(file, received).bars.map((bar) => [iso(bar.eventTime), bar]));

describe.skipIf(!HAS_RECORDINGS)('every recorded Alpha Vantage response', () => {
  it('is in the table', () => {
    const files = [...recordedFiles('alphavantage/json'), ...recordedFiles('alphavantage/csv')];
    expect([...RECORDED.map(([file]) => file), ...NOT_DATA].map((file) => `alphavantage/${file}`).sort()).toEqual(
      files.sort(),
    );
  });

  it.each(RECORDED)('%s has %i rows', (file, count) => {
    const { bars, quotes, faults, empty } = parseRecorded(file);
    expect(faults).toEqual([]);
    expect(empty).toBe(0);
    expect(bars.length + quotes.length).toBe(count);
    expect(new Set(bars.map(({ eventTime }) => eventTime)).size).toBe(file.includes('BATCH') ? 1 : bars.length);
    const broken = bars.filter(({ open, high, low, close }) => {
      if (open === null || high === null || low === null || close === null) return false;
      return Math.max(open, close, low) > high || Math.min(open, close) < low;
    });
    expect(broken).toEqual([]);
  });

  it('tells apart what holds no market data: market status and symbol search are refused', () => {
    for (const file of NOT_DATA) {
      const body = recordedBody(`alphavantage/${file}`);
      for (const interval of [null, '1d']) {
        const code = file.includes('premium') ? 'TM_SOURCE_PREMIUM' : 'TM_SOURCE_RESPONSE';
        expect(() => parseAlphaVantage(response(body), stocks('MSFT', interval))).toThrow(
          expect.objectContaining({ code }),
        );
      }
    }
  });
});

describe.skipIf(!HAS_RECORDINGS)('Alpha Vantage quirks', () => {
  it('labels are ends in recordings up to 2021: the opening minute is 09:31, and the last bar is labelled 20:00', () => {
    const bars = byStart('csv/TIME_SERIES_INTRADAY_EXTENDED_MSFT_1min_202012.csv.gz');
    // 2020-12-18 20:00 and 2020-11-23 04:01 in New York's winter: five hours behind UTC, and a minute before the label.
    expect(bars.get('2020-12-19T00:59:00.000Z')).toMatchObject({ open: 218.79, low: 218.75, volume: 1_102 });
    expect(bars.get('2020-11-23T09:00:00.000Z')).toMatchObject({ close: 211.5, volume: 162 });
    const opening = [...bars.values()].filter(({ eventTime }) => iso(eventTime).endsWith('T14:30:00.000Z'));
    expect(opening.length).toBe(19);
    expect(Math.min(...opening.map(({ volume }) => volume ?? 0))).toBeGreaterThan(100_000);
  });

  it('labels are starts in recordings of 2026: the last bar is 19:55, and the closing auction is in 16:00', () => {
    const bars = byStart('csv/TIME_SERIES_INTRADAY_IBM_5min_20260515.csv');
    expect(bars.get('2026-05-15T23:55:00.000Z')).toMatchObject({ close: 219, volume: 158 });
    expect(bars.get('2026-05-15T20:00:00.000Z')).toMatchObject({ volume: 1_694_021 });
  });

  it('labels tell what they are by 20:00 and 04:00, whenever they were received; other bars go by the date', () => {
    const ends = byStart('csv/TIME_SERIES_INTRADAY_TSLA_5min_20210513.csv', '2030-01-01T00:00:00Z');
    expect(ends.has('2021-05-13T23:55:00.000Z')).toBe(true);
    const starts = 'timestamp,open,high,low,close,volume\n2026-05-15 04:00:00,1,1,1,1,1\n';
    const [first] = parseAlphaVantage(response(starts, '2001-01-01T00:00:00Z'), stocks('IBM', '5m')).bars;
    expect(iso(first?.eventTime)).toBe('2026-05-15T08:00:00.000Z');
    const neither = starts.replace('04:00', '12:00');
    for (const [received, start] of [
      ['2021-06-30T00:00:00Z', '2026-05-15T15:55:00.000Z'],
      ['2026-06-30T00:00:00Z', '2026-05-15T16:00:00.000Z'],
    ] as const) {
      const [bar] = parseAlphaVantage(response(neither, received), stocks('IBM', '5m')).bars;
      expect(iso(bar?.eventTime)).toBe(start);
    }
  });

  it('times of stocks are of New York, winter and summer, and those of currencies and coins UTC', () => {
    const days = byStart('json/TIME_SERIES_DAILY_MSFT_full_20190712.json');
    expect(days.has('2019-07-12T04:00:00.000Z')).toBe(true);
    expect(days.has('1998-01-02T05:00:00.000Z')).toBe(true);
    // The Friday before clocks go forward and the Monday after.
    expect(days.has('2019-03-08T05:00:00.000Z') && days.has('2019-03-11T04:00:00.000Z')).toBe(true);
    expect(byStart('csv/FX_INTRADAY_EURUSD_5min_20260515.csv').has('2026-05-15T21:05:00.000Z')).toBe(true);
    expect(byStart('csv/CRYPTO_INTRADAY_ETHUSD_5min_20260517.csv').has('2026-05-17T17:10:00.000Z')).toBe(true);
  });

  it('bars on both sides of a change of clocks have the hour of their day', () => {
    const startsOf = (labels: readonly string[]) => {
      const body = `time,open,high,low,close,volume\n${labels.map((label) => `${label},1,1,1,1,1\n`).join('')}`;
      const { bars } = parseAlphaVantage(response(body, '2021-12-01T00:00:00Z'), stocks('IBM', '5m'));
      return bars.map(({ eventTime }) => iso(eventTime));
    };
    expect(startsOf(['2021-03-15 09:35:00', '2021-03-12 20:00:00', '2021-03-12 09:35:00'])).toEqual([
      ...['2021-03-12T14:30:00.000Z', '2021-03-13T00:55:00.000Z', '2021-03-15T13:30:00.000Z'],
    ]);
    expect(startsOf(['2021-11-08 09:35:00', '2021-11-05 20:00:00', '2021-11-05 09:35:00'])).toEqual([
      ...['2021-11-05T13:30:00.000Z', '2021-11-05T23:55:00.000Z', '2021-11-08T14:30:00.000Z'],
    ]);
  });

  it('the half day of 2020-11-27 ends with its auction, and the holiday before has no rows', () => {
    const bars = byStart('csv/TIME_SERIES_INTRADAY_EXTENDED_MSFT_1min_202012.csv.gz');
    const starts = [...bars.keys()];
    // From 04:00 in New York to 04:00 of the next day.
    expect(starts.filter((start) => start >= '2020-11-26T09' && start < '2020-11-27T09')).toEqual([]);
    expect(bars.get('2020-11-27T18:00:00.000Z')?.volume).toBeGreaterThan(100_000);
  });

  it('bars before and after hours are there, and those without a trade are not', () => {
    const { bars } = parseRecorded('csv/TIME_SERIES_INTRADAY_EXTENDED_MSFT_1min_202012.csv.gz');
    const ofDay = bars.filter(({ eventTime }) => iso(eventTime) > '2020-12-18T09' && iso(eventTime) < '2020-12-19T02');
    const minutes = new Set(ofDay.map(({ eventTime }) => iso(eventTime).slice(11, 16)));
    expect(['14:29', '21:00', '00:59'].filter((minute) => !minutes.has(minute))).toEqual([]);
    // Of the 960 minutes from 04:00 to 20:00; those of the session are all there.
    expect(minutes.size).toBe(673);
    expect([...minutes].filter((minute) => minute >= '14:30' && minute < '21:00')).toHaveLength(390);
  });

  it('the bar of the current day is provisional, and the one before is not', () => {
    const file = 'json/TIME_SERIES_DAILY_MSFT_compact_20190712.json';
    const isProvisional = (received: string) =>
      parseRecorded(file, received).bars.map(({ provisional }) => provisional);
    expect(isProvisional('2019-07-12T20:30:00Z').slice(-2)).toEqual([false, true]);
    expect(isProvisional('2019-07-13T03:59:59Z').slice(-2)).toEqual([false, true]);
    expect(isProvisional('2019-07-13T04:00:00Z').slice(-2)).toEqual([false, false]);
  });

  it('a quote is the provisional bar of its day', () => {
    expect(parseRecorded('json/GLOBAL_QUOTE_MSFT_20190712.json', '2030-01-01T00:00:00Z').bars).toEqual([
      {
        ...{ instrument: 'alphavantage:MSFT', interval: '1d', eventTime: Date.UTC(2019, 6, 12, 4) * 1_000 },
        ...{ open: 138.85, high: 139.13, low: 138.01, close: 138.9, volume: 17_725_458, currency: null },
        ...{
          adjusted: false,
          provisional: true,
          adjustedClose: null,
          dividend: null,
          splitFactor: null,
          capitalGain: null,
          suspect: null,
        },
      },
    ]);
    const [csv] = parseRecorded('csv/GLOBAL_QUOTE_IBM_20260515.csv').bars;
    expect(csv).toMatchObject({ instrument: 'alphavantage:IBM', open: 218.2, close: 219.3, volume: 6_154_450 });
  });

  it('the three recordings of MSFT on 2019-07-12 differ in volume and low, as they were sent', () => {
    const day = '2019-07-12T04:00:00.000Z';
    expect(byStart('json/TIME_SERIES_DAILY_MSFT_compact_20190712.json').get(day)).toMatchObject({
      volume: 18_936_832,
      low: 138.0099,
    });
    expect(byStart('json/TIME_SERIES_DAILY_MSFT_full_20190712.json').get(day)).toMatchObject({ volume: 18_884_297 });
  });

  it('a volume that was revised later is a correction of that bar, and all others of the two recordings agree', () => {
    const ledger = new BarLedger(10_000);
    const revise = (file: string) =>
      parseRecorded(file, '2019-07-13T04:00:00Z')
        .bars.map((bar) => ledger.revise(bar))
        .filter((bar) => bar?.revision === 1);
    expect(revise('json/TIME_SERIES_DAILY_ADJUSTED_MSFT_compact_20180713.json')).toEqual([]);
    expect(revise('json/TIME_SERIES_DAILY_MSFT_full_20190712.json')).toMatchObject([
      { eventTime: Date.UTC(2018, 6, 13, 4) * 1_000, volume: 24_653_500, adjustedClose: 105.43 },
    ]);
  });

  it.each([
    ['1998-02-20', '1998-02-23'],
    ['1999-03-26', '1999-03-29'],
    ['2003-02-14', '2003-02-18'],
  ])('daily bars are not adjusted for splits: MSFT halves from %s to %s', (before, after) => {
    const days = byStart('json/TIME_SERIES_DAILY_MSFT_full_20190712.json');
    const [last, first] = [before, after].map((day) => days.get(`${day}T05:00:00.000Z`));
    expect(last?.adjusted).toBe(false);
    expect((last?.close ?? 0) / (first?.close ?? 1)).toBeCloseTo(2, 0);
  });

  it.each([
    ['2001-09-10', '2001-09-17'],
    ['2012-10-26', '2012-10-31'],
  ])('days without trading have no rows: nothing between %s and %s', (before, after) => {
    const days = [...byStart('json/TIME_SERIES_DAILY_MSFT_full_20190712.json').keys()].map((day) => day.slice(0, 10));
    expect(days[days.indexOf(before) + 1]).toBe(after);
  });

  it('recordings of the same bars agree: intraday and extended, a quote and its day, minutes and their day', () => {
    const extended = byStart('csv/TIME_SERIES_INTRADAY_EXTENDED_TSLA_5min_20210513.csv');
    const intraday = byStart('csv/TIME_SERIES_INTRADAY_TSLA_5min_20210513.csv');
    expect([...intraday].map(([start]) => extended.get(start))).toEqual([...intraday.values()]);
    const [quote] = parseRecorded('csv/GLOBAL_QUOTE_IBM_20260515.csv').bars;
    expect(parseRecorded('csv/TIME_SERIES_DAILY_IBM_20260515.csv').bars.at(-1)).toEqual(quote);
    const minutes = parseRecorded('json/TIME_SERIES_INTRADAY_MSFT_1min_20171218.json').bars;
    const day = byStart('json/TIME_SERIES_DAILY_MSFT_full_20190712.json').get('2017-12-18T05:00:00.000Z');
    expect(Math.max(...minutes.map(({ high }) => high ?? Number.NaN))).toBeLessThanOrEqual(day?.high ?? 0);
    expect(Math.min(...minutes.map(({ low }) => low ?? Number.NaN))).toBeGreaterThanOrEqual(day?.low ?? Infinity);
  });

  it('adjusted days have the volume under another name, and an adjusted close, dividend and split besides', () => {
    const bars = byStart('json/TIME_SERIES_DAILY_ADJUSTED_MSFT_compact_20180713.json');
    expect(bars.get('2018-07-13T04:00:00.000Z')).toMatchObject({
      ...{ close: 105.43, adjustedClose: 105.43, volume: 24_578_301, dividend: 0, splitFactor: 1, adjusted: false },
    });
    const csv = byStart('csv/TIME_SERIES_DAILY_ADJUSTED_IBM_20260515.csv').get('2026-05-14T04:00:00.000Z');
    expect(csv).toMatchObject({ close: 218.37, adjustedClose: 218.37, volume: 5_906_199, dividend: 0, splitFactor: 1 });
  });

  it('intraday bars are adjusted where adjusted ones were asked for', () => {
    const adjusted = (file: string) => parseRecorded(file).bars.every((bar) => bar.adjusted);
    expect(adjusted('csv/TIME_SERIES_INTRADAY_EXTENDED_IBM_15min_adj_202106.csv')).toBe(true);
    expect(adjusted('csv/TIME_SERIES_INTRADAY_EXTENDED_IBM_60min_raw_202104.csv')).toBe(false);
  });

  it('a week begins on its Monday, whichever day it is labelled with, and ends on the next', () => {
    const weeks = parseRecorded('json/TIME_SERIES_WEEKLY_TSLA_20210423.json', '2021-04-25T12:00:00Z').bars;
    expect(weeks.every(({ eventTime }) => new Date(eventTime / 1_000).getUTCDay() === 1)).toBe(true);
    expect(iso(weeks.at(-1)?.eventTime)).toBe('2021-04-19T04:00:00.000Z');
    expect(weeks.slice(-2).map(({ provisional }) => provisional)).toEqual([false, true]);
    expect(weeks[0]).toMatchObject({ interval: '1w', open: 20, volume: 25_550_600 });
  });

  it('a month begins on its first day, and is provisional until the next', () => {
    const body = 'timestamp,open,high,low,close,volume\n2026-05-15,1,2,1,2,9\n2026-04-30,1,2,1,2,9\n';
    const { bars } = parseAlphaVantage(response(body), stocks('IBM', '1mo'));
    expect(bars.map(({ eventTime, interval, provisional }) => [iso(eventTime), interval, provisional])).toEqual([
      ['2026-04-01T04:00:00.000Z', '1mo', false],
      ['2026-05-01T04:00:00.000Z', '1mo', true],
    ]);
  });

  it('a missing volume is written --, and prices of two currencies stand side by side', () => {
    expect(parseRecorded('json/BATCH_STOCK_QUOTES_20171229.json').bars).toMatchObject([
      { instrument: 'alphavantage:MSFT', interval: '1d', close: 85.59, volume: null, open: null },
      { instrument: 'alphavantage:FB', close: 176.54 },
      { instrument: 'alphavantage:AAPL', close: 169.28 },
    ]);
    expect(parseRecorded('json/DIGITAL_CURRENCY_INTRADAY_BTC_CNY_20171220.json').bars.at(-1)).toMatchObject({
      ...{ instrument: 'alphavantage:BTCCNY', interval: '5m', currency: 'CNY', open: null },
      ...{ close: 123_574.46322682, volume: 1.19411989 },
    });
  });

  it('an exchange rate is a quote', () => {
    expect(parseRecorded('json/CURRENCY_EXCHANGE_RATE_USDJPY_20260517.json').quotes).toEqual([
      {
        ...{ instrument: 'alphavantage:USDJPY', eventTime: Date.UTC(2026, 4, 17, 17, 12, 44) * 1_000 },
        ...{ bid: 158.72838292, ask: 158.73495442, bidSize: null, askSize: null },
      },
    ]);
  });

  it('after-hours bars that repeat a closing print as volume are kept as they were sent', () => {
    const bars = byStart('csv/TIME_SERIES_INTRADAY_IBM_5min_20260515.csv');
    for (const time of ['20:10', '22:30', '23:00']) {
      expect(bars.get(`2026-05-15T${time}:00.000Z`)?.volume).toBeGreaterThan(600_000);
    }
  });

  it('lines end with CRLF or LF', () => {
    const body = recordedBody('alphavantage/csv/TIME_SERIES_DAILY_IBM_20260515.csv');
    const crlf = parseAlphaVantage(response(body.replaceAll('\n', '\r\n')), stocks('IBM', '1d'));
    expect(crlf).toEqual(parseAlphaVantage(response(body), stocks('IBM', '1d')));
  });

  it('an answer to another question is refused', () => {
    const body = recordedBody('alphavantage/json/TIME_SERIES_INTRADAY_MSFT_1min_20171218.json');
    const refused = expect.objectContaining({ code: 'TM_SOURCE_RESPONSE' });
    expect(() => parseAlphaVantage(response(body), stocks('IBM', '1m'))).toThrow(refused);
    expect(() => parseAlphaVantage(response(body), stocks('MSFT', '5m'))).toThrow(refused);
    expect(() => parseAlphaVantage(response(body), { ...MSFT_DAILY, interval: null })).toThrow(refused);
  });

  it('a row that is not sound is told with its reason, and the others are taken', () => {
    const lines = [
      '2026-05-15,1,2,1,2,9',
      '2026-05-1x,1,2,1,2,9',
      '2026-05-13,1,2,1,,9',
      '2026-05-12,1,2',
      '2026-05-11,,,,,',
    ];
    const rows = [...lines, '2026-05-10,1,2,1,2,-9', '2026-05-09,1,2,one,2,9', '2026-05-08,1,2,1,1e30,9'];
    const body = `timestamp,open,high,low,close,volume\n${rows.join('\n')}\n`;
    const { bars, faults, empty } = parseAlphaVantage(response(body), stocks('IBM', '1d'));
    expect([bars.length, empty]).toEqual([1, 1]);
    expect(faults.map(({ reason, position }) => [reason, position])).toEqual([
      ['time', 2],
      ['missing', 3],
      ['columns', 4],
      ['negative', 6],
      ['number', 7],
      ['range', 8],
    ]);
    expect(faults[0]?.payload).toBe('2026-05-1x,1,2,1,2,9');
  });
});
