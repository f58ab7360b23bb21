import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseYahooChart } from '../../../src/producers/yahoo/chart.ts';
import { DATA_DIRECTORY } from '../../support/oracle/files.ts';
import { HAS_RECORDINGS, response } from '../market/recorded.ts';
import { CHARTS, parseChart } from './asked.ts';

interface Row {
  readonly date: string;
  readonly prices: readonly number[];
  readonly volume: number;
}

/** A series as it was published, or as it was repaired, oldest first. */
function series(name: string): readonly Row[] {
  const [, ...lines] = readFileSync(join(DATA_DIRECTORY, 'yahoo/bad_data', `${name}.csv`), 'utf8')
    .trim()
    .split(/\r?\n/);
  const rows = lines.map((line) => {
    const [date = '', open, high, low, close, , volume] = line.split(',');
    return { date, prices: [open, high, low, close].map(Number), volume: Number(volume) };
  });
  return rows.sort((a, b) => Date.parse(a.date) - Date.parse(b.date));
}

/** The chart that Yahoo would have sent of it. */
function chartOf(rows: readonly Row[], granularity: string, chartPreviousClose: number | null): string {
  const of = (index: number) => rows.map(({ prices }) => prices[index] ?? null);
  const quote = { open: of(0), high: of(1), low: of(2), close: of(3), volume: rows.map(({ volume }) => volume) };
  const meta = { symbol: 'X', currency: 'GBp', exchangeTimezoneName: 'Europe/London', dataGranularity: granularity };
  const timestamp = rows.map(({ date }) => Date.parse(date) / 1_000);
  const result = [{ meta: { ...meta, chartPreviousClose }, timestamp, indicators: { quote: [quote] } }];
  return JSON.stringify({ chart: { result, error: null } });
}

/** Bars of a series, flagged by the scale of the first repaired price, or without knowing one. */
function flags(name: string, granularity: string, knowsScale = true): readonly (string | null)[] {
  const [first] = series(`${name}-fixed`);
  const body = chartOf(series(name), granularity, knowsScale ? (first?.prices[0] ?? null) : null);
  return parseYahooChart(response(body), 'X').bars.map(({ suspect }) => suspect);
}

/** Whether the repair multiplied or divided a row's prices by 100. */
function repaired(name: string): readonly boolean[] {
  const fixed = series(`${name}-fixed`);
  return series(name).map(({ prices }, index) =>
    prices.some((price, at) => Math.abs(Math.log10(price / (fixed[index]?.prices[at] ?? price))) > 1),
  );
}

describe.skipIf(!HAS_RECORDINGS)('prices that are 100 times off', () => {
  it.each([
    ['AET-L-1d-100x-error', '1d', 14],
    ['SSW-JO-1d-100x-error', '1d', 22],
    ['ASAI-L-1h-bad-unit', '1h', 1],
  ])('%s (%s): %i rows are flagged, those that others repaired', (name, granularity, count) => {
    const isFlagged = flags(name, granularity).map((flag) => flag === 'scale');
    expect(isFlagged).toEqual(repaired(name));
    expect(isFlagged.filter(Boolean)).toHaveLength(count);
  });

  it('are as Yahoo sent them', () => {
    const body = chartOf(series('AET-L-1d-100x-error'), '1d', 14.55);
    expect(new Set(parseYahooChart(response(body), 'X').bars.map(({ close }) => close))).toEqual(
      new Set([0.1455, 14.55]),
    );
  });

  it('make the whole series suspect where its scale is not known', () => {
    expect(new Set(flags('SSW-JO-1d-100x-error', '1d', false))).toEqual(new Set(['scale']));
  });

  it.each([
    ['4063-T-1d-bad-stock-split', 5],
    ['ALPHA-PA-1d-bad-stock-split', 10],
    ['LA-V-1d-bad-stock-split', 5],
    ['8TRA-DE-1d-missing-div-adjust', 5],
  ])(
    'are others than those of a split or dividend that was not applied (%s), which are kept as they came',
    (name, rows) => {
      expect(flags(name, '1d')).toEqual(Array.from({ length: series(name).length }, () => null));
      expect(series(name).length).toBeGreaterThanOrEqual(rows);
      const { bars } = parseYahooChart(response(chartOf(series(name), '1d', null)), 'X');
      const kept = bars.map(({ open, high, low, close }) =>
        [open, high, low, close].map((price) => Math.fround(price ?? 0)),
      );
      expect(kept).toEqual(series(name).map(({ prices }) => prices.map(Math.fround)));
    },
  );

  it('are not seen where nothing is wrong', () => {
    const body = chartOf(series('EA-15m-no-bad-divs'), '15m', null);
    const { bars } = parseYahooChart(response(body), 'X');
    expect([bars.length, bars.filter(({ suspect }) => suspect !== null)]).toEqual([319, []]);
    expect(bars.filter(({ volume }) => volume === 0).length).toBeGreaterThan(0);
    for (const [file] of CHARTS) {
      expect(
        parseChart(file).bars.filter(({ suspect }) => suspect === 'scale'),
        file,
      ).toEqual([]);
    }
  });
});

describe.skipIf(!HAS_RECORDINGS)('prices that contradict each other', () => {
  it('are flagged: the fund whose open is below its low, and whose low is 0', () => {
    const found = parseChart('chart/chart-VFINX-max-3mo.json').bars.filter(({ suspect }) => suspect === 'range');
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(expect.objectContaining({ open: 519.79, low: 0 }));
  });
});
