import { describe, expect, it } from 'vitest';
import { parseYahooChart } from '../../../src/producers/yahoo/chart.ts';
import { parseYahooQuotes } from '../../../src/producers/yahoo/quote.ts';
import { HAS_RECORDINGS, iso, recordedFiles, response } from '../market/recorded.ts';
import { CHARTS, parseChart, parseQuotes, QUOTES, yahooBody } from './asked.ts';

const byStart = (file: string, received?: string) =>
  new Map(parseChart(file, received).bars.map((bar) => [iso(bar.eventTime), bar]));

/** A chart's body with some of it changed. */
function changedChart(file: string, change: (result: Record<string, unknown>) => void): string {
  const body = JSON.parse(yahooBody(file)) as { chart: { result: [Record<string, unknown>] } };
  change(body.chart.result[0]);
  return JSON.stringify(body);
}

describe.skipIf(!HAS_RECORDINGS)('every recorded Yahoo response', () => {
  it('is in a table', () => {
    const files = ['yahoo/chart', 'yahoo/chart_1m', 'yahoo/quote'].flatMap(recordedFiles);
    const named = [...CHARTS, ...QUOTES, ['quote/quote-NONEXIST-200-empty.json']].map(([file]) => `yahoo/${file}`);
    expect(named.sort()).toEqual(files.sort());
  });

  it.each(CHARTS)('%s has %i rows, %i of them of nulls', (file, rows, nulls) => {
    const { bars, faults, empty } = parseChart(file);
    expect(faults).toEqual([]);
    expect([bars.length + empty, empty]).toEqual([rows, nulls]);
  });

  it.each(QUOTES)('%s has %i results', (file, results, symbols) => {
    const { quotes, faults, empty } = parseQuotes(file);
    expect(quotes.length + empty).toBe(results);
    expect(faults.map(({ reason }) => reason)).toEqual(symbols.slice(results).map(() => 'symbol'));
  });
});

describe.skipIf(!HAS_RECORDINGS)('Yahoo quirks', () => {
  it('prices are 32-bit floats printed as doubles: 188.1199951171875 is 188.12', () => {
    const bars = byStart('chart_1m/AAPL_1m_20180529.json');
    expect(bars.get('2018-05-29T13:31:00.000Z')).toMatchObject({
      open: 188.12,
      high: 188.19,
      close: 187.87,
      volume: 99_300,
    });
    const written = [...bars.values()].flatMap(({ open, high, low, close }) => [open, high, low, close]);
    expect(Math.max(...written.map((price) => String(price).length))).toBeLessThanOrEqual('188.1234'.length);
  });

  it('a double that is no such float is what it is', () => {
    const bars = byStart('chart/chart-MUV2.DE-6mo-close-only-with-null.json');
    expect([...bars.values()][0]).toMatchObject({ close: 188.55, adjustedClose: 180.344, open: null, volume: null });
  });

  it('times are starts in UTC: the US day begins at 13:30 in summer and at 14:30 in winter', () => {
    const starts = [...byStart('chart/chart-AAPL-2020-08-31-to-2020-11-07.json').keys()];
    expect(starts[0]).toBe('2020-08-31T13:30:00.000Z');
    expect(starts.at(-1)).toBe('2020-11-06T14:30:00.000Z');
    const year = [...byStart('chart/chart-MSFT-2021-02-01-to-2022-01-31-dividends.json').keys()];
    const days = (...wanted: readonly string[]) => year.filter((start) => wanted.includes(start.slice(0, 10)));
    // The Fridays and Mondays on both sides of the changes of clocks.
    expect(days('2021-03-12', '2021-03-15', '2021-11-05', '2021-11-08').map((start) => start.slice(5, 16))).toEqual([
      ...['03-12T14:30', '03-15T13:30', '11-05T13:30', '11-08T14:30'],
    ]);
  });

  it('rows of nulls are no bars, and rows of volume 0 are', () => {
    const zeros = (file: string) => parseChart(file).bars.filter(({ volume }) => volume === 0).length;
    const minutes = CHARTS.map(([file]) => file).filter((file) => file.startsWith('chart_1m/'));
    expect(minutes.map((file) => [file.split('/')[1]?.split('_')[0], zeros(file)])).toEqual([
      ...[
        ['AAPL', 0],
        ['SPY', 0],
        ['GSPC', 1],
      ],
      ...[
        ['O=F', 6],
        ['AMD180720C00003000', 1],
        ['USDGBP=X', 138],
      ],
    ]);
  });

  it('funds and currencies have volume 0, and markets of 24 hours the last day of the period as well', () => {
    const volumes = (file: string) => parseChart(`chart/chart-${file}.json`).bars.map(({ volume }) => volume);
    expect(volumes('0P000071W8.TO-2020-01-01-to-2020-01-03')).toEqual([0]);
    expect(volumes('0P0000XTS7-2024-09-12-to-2024-09-16')).toEqual([0, 0]);
    expect(volumes('INPSX-20180529')).toEqual([0]);
    expect(volumes('EURUSD=X-2020-01-01-to-2020-01-03')).toEqual([0, 0, 0]);
    for (const symbol of ['EURUSD=X', 'BTC-USD']) {
      expect([...byStart(`chart/chart-${symbol}-2020-01-01-to-2020-01-03.json`).keys()]).toEqual(
        ['01', '02', '03'].map((day) => `2020-01-${day}T00:00:00.000Z`),
      );
    }
  });

  it('three days of a trading halt, on the other side of the earth, are flat bars of volume 0, and not suspect', () => {
    const halted = parseChart('chart/chart-ALL.AX-3mo-2022-01-13.json').bars.filter(({ volume }) => volume === 0);
    const flat = { open: 45.60725, high: 45.60725, low: 45.60725, close: 45.60725, suspect: null, currency: 'AUD' };
    // Sydney's day begins at 10:00, eleven hours before UTC.
    expect(halted).toMatchObject(
      ['2021-10-17', '2021-10-18', '2021-10-19'].map((day) => ({
        ...flat,
        eventTime: Date.parse(`${day}T23:00:00Z`) * 1_000,
      })),
    );
  });

  it('lists of prices come in any order', () => {
    const orders = CHARTS.map(([file]) => {
      const { chart } = JSON.parse(yahooBody(file)) as { chart: { result: [{ indicators: { quote: [object] } }] } };
      return Object.keys(chart.result[0].indicators.quote[0]).join();
    });
    expect(new Set(orders).size).toBeGreaterThan(10);
    const [bar] = parseChart('chart/chart-AAPL-2024-09-30-to-2024-10-11.json').bars;
    expect((bar?.low ?? 0) < (bar?.open ?? 0) && (bar?.open ?? 0) < (bar?.high ?? 0)).toBe(true);
  });

  it('a day of minutes may end with a row just at the close, of volume 0: it is a bar like others', () => {
    const body = changedChart('chart_1m/AAPL_1m_20180529.json', (result) => {
      const { timestamp, indicators } = result as {
        timestamp: number[];
        indicators: { quote: [Record<string, number[]>] };
      };
      timestamp.push(1_527_624_000);
      for (const [name, values] of Object.entries(indicators.quote[0])) values.push(name === 'volume' ? 0 : 187.9);
    });
    const { bars, faults } = parseYahooChart(response(body, '2018-05-29T20:05:00Z'), 'AAPL');
    expect([bars.length, faults]).toEqual([391, []]);
    expect(iso(bars.at(-1)?.eventTime)).toBe('2018-05-29T20:00:00.000Z');
    expect(bars.at(-1)).toMatchObject({ volume: 0, close: 187.9, provisional: false, suspect: null });
  });

  it('without the key timestamp there is nothing, which is no error', () => {
    const file = 'chart/chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json';
    expect(parseChart(file)).toEqual({ bars: [], quotes: [], faults: [], empty: 0 });
    expect(parseChart('chart/chart-CAPIO.ST-no-data.json')).toEqual({ bars: [], quotes: [], faults: [], empty: 0 });
  });

  it('gmtoffset may be winter’s for rows of the summer: the day is that of the zone', () => {
    const file = 'chart/chart-WSU.DE-2023-08-04-to-2023-08-09.json';
    expect([...byStart(file).keys()]).toEqual([
      '2023-08-04T07:00:00.000Z',
      '2023-08-07T07:00:00.000Z',
      '2023-08-08T07:00:00.000Z',
    ]);
    // In Berlin's summer the day ends at 22:00 UTC; by gmtoffset it would at 23:00.
    const provisional = (received: string) => [...byStart(file, received).values()].map((bar) => bar.provisional);
    expect(provisional('2023-08-08T21:59:59Z')).toEqual([false, false, true]);
    expect(provisional('2023-08-08T22:00:00Z')).toEqual([false, false, false]);
  });

  it('pence are pence: the currency is as Yahoo writes it, and nothing is converted', () => {
    expect(parseChart('chart/chart-OCDO.L-2020-01-01-to-2020-01-03.json').bars).toMatchObject([
      { currency: 'GBp', open: 1_279.5, high: 1_286.57, low: 1_258, close: 1_259.5, volume: 728_520 },
    ]);
    expect(parseChart('chart_1m/O=F_1m_20180529.json').bars[0]?.currency).toBe('USX');
  });

  it('splits and dividends are with the bar of their day; closes are adjusted for splits, adjusted closes for both', () => {
    const aapl = byStart('chart/chart-AAPL-2020-08-31-to-2020-11-07.json');
    expect(aapl.get('2020-08-31T13:30:00.000Z')).toMatchObject({
      ...{ splitFactor: 4, dividend: null, close: 129.04, adjusted: true },
    });
    expect(aapl.get('2020-11-06T14:30:00.000Z')).toMatchObject({ dividend: 0.205, splitFactor: null });
    const paid = parseChart('chart/chart-MSFT-2021-02-01-to-2022-01-31-dividends.json').bars.filter(
      (bar) => bar.dividend,
    );
    expect(paid.map(({ dividend }) => dividend)).toEqual([0.56, 0.56, 0.56, 0.62]);
    const split = parseChart('chart/chart-NVDA-2021-02-01-to-2022-01-31-split.json').bars.filter(
      (bar) => bar.splitFactor,
    );
    expect(split.map(({ eventTime, splitFactor }) => [iso(eventTime), splitFactor])).toEqual([
      ['2021-07-20T13:30:00.000Z', 4],
    ]);
  });

  it('capital gains of a fund are with the bar of their day', () => {
    const { bars } = parseChart('chart/chart-VFINX-max-3mo.json');
    const paid = bars.filter(({ capitalGain }) => capitalGain !== null);
    expect(
      paid.map(({ eventTime, capitalGain }) => `${iso(eventTime).slice(0, 10)} ${capitalGain}`).slice(0, 2),
    ).toEqual([...['1987-10-01 0.17', '1988-10-01 0.32']]);
    expect(paid).toHaveLength(21);
  });

  it('of several events in one bar, amounts are added up and splits multiplied', () => {
    const body = changedChart('chart/chart-GS2C.DE-5d.json', (result) => {
      const [first = 0, second = 0] = result.timestamp as number[];
      const of = (event: object) => ({ [first]: event, [first + 60]: event, [second]: event });
      result.events = {
        dividends: { [first]: { amount: 0.1 }, [first + 60]: { amount: 0.2 } },
        capitalGains: of({ amount: 1.1 }),
        splits: of({ numerator: 3, denominator: 2 }),
      };
    });
    const { bars } = parseYahooChart(response(body), 'GS2C.DE');
    expect(bars.slice(0, 3)).toMatchObject([
      { dividend: 0.3, capitalGain: 2.2, splitFactor: 2.25 },
      { dividend: null, capitalGain: 1.1, splitFactor: 1.5 },
      { dividend: null, capitalGain: null, splitFactor: null },
    ]);
  });

  it('the last row may be live: it is the provisional bar of its day, not of the time of its last trade', () => {
    const bars = parseChart('chart/chart-ALL.AX-3mo-2022-01-13.json', '2022-01-13T05:10:07Z').bars.slice(-2);
    expect(bars.map(({ eventTime, provisional, close }) => [iso(eventTime), provisional, close])).toEqual([
      ['2022-01-11T23:00:00.000Z', false, 44.15],
      ['2022-01-12T23:00:00.000Z', true, 44.05],
    ]);
  });

  it('a live row of a minute is of its minute, and a second one of a bar is told apart', () => {
    const file = 'chart_1m/AAPL_1m_20180529.json';
    const withLast = (seconds: number) =>
      parseYahooChart(
        response(
          changedChart(file, ({ timestamp }) => (timestamp as number[]).splice(-1, 1, seconds)),
          '2018-05-29T19:59:40Z',
        ),
        'AAPL',
      );
    const live = withLast(1_527_623_940 + 37).bars.at(-1);
    expect([iso(live?.eventTime), live?.provisional]).toEqual(['2018-05-29T19:59:00.000Z', true]);
    const second = withLast(1_527_623_880 + 37);
    expect(second.bars).toHaveLength(389);
    expect(second.faults).toMatchObject([{ reason: 'duplicate', position: 390 }]);
  });

  it('what comes may be wider than what was asked for: bars are of the interval that they have', () => {
    const bars = parseChart('chart/chart-VFINX-max-3mo.json', '2025-10-30T00:05:03Z').bars;
    expect(new Set(bars.map(({ interval }) => interval))).toEqual(new Set(['3mo']));
    expect(iso(bars[0]?.eventTime)).toBe('1985-01-01T05:00:00.000Z');
    expect(bars.slice(-2).map(({ provisional }) => provisional)).toEqual([false, true]);
    expect(bars[2]).toMatchObject({ dividend: 0.35 });
  });

  it('a market without a book, or before it opens, has no bid and ask', () => {
    expect(parseQuotes('quote/quote-AAPL-NONEXIST-200-partial.json').empty).toBe(1);
    expect(parseQuotes('quote/quote-BTC-USD.json')).toEqual({ bars: [], quotes: [], faults: [], empty: 1 });
    expect(parseQuotes('quote/quote-AAPL.json').quotes).toEqual([
      {
        ...{ instrument: 'yahoo:AAPL', eventTime: 1_739_566_800_000_000 },
        ...{ bid: 244.44, ask: 253.37, bidSize: 2, askSize: 1 },
      },
    ]);
  });

  it('unknown symbols are left out without a word: that is told, and is an error when all are', () => {
    expect(parseQuotes('quote/quote-AAPL-NONEXIST-200-partial.json').faults).toMatchObject([
      { reason: 'symbol', detail: 'Yahoo knows no symbol NONEXIST' },
    ]);
    expect(() => parseYahooQuotes(response(yahooBody('quote/quote-NONEXIST-200-empty.json')), ['NONEXIST'])).toThrow(
      expect.objectContaining({ code: 'TM_SOURCE_SYMBOL' }),
    );
  });

  it('an answer to another question is refused', () => {
    const body = response(yahooBody('chart/chart-AAPL.json'));
    expect(() => parseYahooChart(body, 'MSFT')).toThrow(expect.objectContaining({ code: 'TM_SOURCE_RESPONSE' }));
  });
});
