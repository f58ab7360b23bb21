import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alphaVantageBackfill } from '../../../src/producers/alphavantage/backfill.ts';
import type { MarketSeries } from '../../../src/producers/market/marketSource.ts';
import { yahooBackfill } from '../../../src/producers/yahoo/backfill.ts';
import { stocks } from '../alphavantage/asked.ts';

const ADDRESS = { url: 'http://vendor.test/query', key: 'SECRETKEY0123456' };
const micros = (iso: string): number => Date.parse(iso) * 1_000;
const stretch = (from: string, to: string) => ({ fromMicros: micros(from), toMicros: micros(to) });
const query = ({ request }: MarketSeries) => Object.fromEntries(request.url.searchParams);

describe('the requests of a backfill', () => {
  it('of Alpha Vantage are months of bars below a day, each done a day after it has ended', () => {
    const series = alphaVantageBackfill(ADDRESS, stocks('IBM', '5m'), stretch('2020-11-15', '2021-02-01'));
    expect(series.map(query)).toMatchObject([
      { function: 'TIME_SERIES_INTRADAY', symbol: 'IBM', interval: '5min', month: '2020-11', datatype: 'csv' },
      { month: '2020-12', outputsize: 'full' },
      { month: '2021-01', adjusted: 'false' },
    ]);
    expect(series.map(({ endsMicros }) => endsMicros)).toEqual(
      ['2020-12-02', '2021-01-02', '2021-02-02'].map((day) => micros(day)),
    );
  });

  it('of Alpha Vantage are one of longer bars', () => {
    const series = alphaVantageBackfill(ADDRESS, stocks('IBM', '1d', true), stretch('2000-01-01', '2020-01-01'));
    expect(series.map(query)).toEqual([{ function: 'TIME_SERIES_DAILY_ADJUSTED', symbol: 'IBM', outputsize: 'full' }]);
  });

  it.each([
    ['1m', 8],
    ['5m', 56],
    ['1h', 701],
    ['1d', 366],
  ])('of Yahoo cover a stretch of %s without gap or overlap, none of %i days', (interval, days) => {
    const times = fc.integer({ min: micros('2000-01-01') / 1e6, max: micros('2026-01-01') / 1e6 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 3 * 366 * 86_400 }), (from, seconds) => {
        const whole = { fromMicros: from * 1e6, toMicros: (from + seconds) * 1e6 };
        const periods = yahooBackfill('http://vendor.test', 'AAPL', interval, whole).map((series) => {
          const { period1, period2 } = query(series);
          return [Number(period1), Number(period2)] as const;
        });
        expect(periods[0]?.[0]).toBe(from);
        expect(periods.at(-1)?.[1]).toBe(from + seconds);
        for (const [index, [start, end]] of periods.entries()) {
          expect(end - start).toBeGreaterThan(0);
          expect(end - start).toBeLessThanOrEqual(days * 86_400);
          if (index > 0) expect(start).toBe(periods[index - 1]?.[1]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each(['5d', '1w', '1mo', '3mo'])('of Yahoo for bars of %s are one: a year is cut within a bar', (interval) => {
    const series = yahooBackfill('http://vendor.test', 'AAPL', interval, stretch('2000-01-05', '2020-01-01'));
    expect(series.map(query)).toMatchObject([
      { period1: String(micros('2000-01-05') / 1e6), period2: String(micros('2020-01-01') / 1e6) },
    ]);
  });
});
