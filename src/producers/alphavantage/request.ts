import type { MarketSeries } from '../market/marketSource.ts';
import { parseAlphaVantage } from './parse.ts';
import { type AlphaVantageSeries, INTRADAY, instrumentOf, pairOf, seriesPeriod } from './series.ts';

/** How much of a series is asked for. */
export interface AlphaVantageExtent {
  /** The whole history that the API has, in place of the latest 100 rows. */
  readonly full: boolean;
  /** Of bars below a day: this month (`2009-01`), in place of the latest days. */
  readonly month: string | null;
}

/** Functions of the API by interval, and those that bring adjusted closes. */
const STOCKS: Readonly<Record<string, string>> = {
  '1d': 'TIME_SERIES_DAILY',
  '1w': 'TIME_SERIES_WEEKLY',
  '1mo': 'TIME_SERIES_MONTHLY',
};
const FX: Readonly<Record<string, string>> = { '1d': 'FX_DAILY', '1w': 'FX_WEEKLY', '1mo': 'FX_MONTHLY' };
const CRYPTO: Readonly<Record<string, string>> = {
  '1d': 'DIGITAL_CURRENCY_DAILY',
  '1w': 'DIGITAL_CURRENCY_WEEKLY',
  '1mo': 'DIGITAL_CURRENCY_MONTHLY',
};

/** What is asked for, with what it takes to ask: https://www.alphavantage.co/documentation. The key goes in when it is sent. */
export function alphaVantageSeries(
  { url, key }: { readonly url: string; readonly key: string },
  series: AlphaVantageSeries,
  extent: AlphaVantageExtent,
): MarketSeries {
  const address = new URL(url);
  for (const [name, value] of Object.entries(queryOf(series, extent))) address.searchParams.set(name, value);
  const isRate = series.interval === null && series.market !== 'stocks';
  return {
    label: `alphavantage ${address.searchParams}`,
    kind: isRate ? 'quotes' : 'bars',
    interval: isRate ? 'quote' : seriesPeriod(series).interval,
    instruments: [instrumentOf(series)],
    request: { url: address, headers: {}, secrets: { apikey: key } },
    parse: (response) => parseAlphaVantage(response, series),
    endsMicros: null,
  };
}

function queryOf(series: AlphaVantageSeries, { full, month }: AlphaVantageExtent): Readonly<Record<string, string>> {
  const { market, symbol, interval, adjusted } = series;
  const [base, quote] = pairOf(symbol);
  if (interval === null) {
    if (market === 'stocks') return { function: 'GLOBAL_QUOTE', symbol };
    return { function: 'CURRENCY_EXCHANGE_RATE', from_currency: base, to_currency: quote };
  }
  const intraday = INTRADAY.get(interval);
  const names = {
    stocks: { symbol },
    fx: { from_symbol: base, to_symbol: quote },
    crypto: { symbol: base, market: quote },
  }[market];
  if (intraday !== undefined) {
    const name = { stocks: 'TIME_SERIES_INTRADAY', fx: 'FX_INTRADAY', crypto: 'CRYPTO_INTRADAY' }[market];
    return {
      function: name,
      ...names,
      interval: intraday,
      outputsize: full || month !== null ? 'full' : 'compact',
      ...(market === 'stocks' ? { adjusted: String(adjusted) } : {}),
      // A month of minutes is four times as long in JSON.
      ...(month === null ? {} : { month, datatype: 'csv' }),
    };
  }
  const name = { stocks: STOCKS, fx: FX, crypto: CRYPTO }[market][interval] ?? '';
  const isSized = interval === '1d' && market !== 'crypto';
  return {
    function: adjusted && market === 'stocks' ? `${name}_ADJUSTED` : name,
    ...names,
    ...(isSized ? { outputsize: full ? 'full' : 'compact' } : {}),
  };
}
