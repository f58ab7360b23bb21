import type { MarketRequest } from '../market/client.ts';
import type { MarketSeries } from '../market/marketSource.ts';
import { parseYahooChart } from './chart.ts';
import { parseYahooQuotes } from './quote.ts';

/** Yahoo answers 429 to clients that do not say who they are. */
export const YAHOO_HEADERS = { 'user-agent': 'Mozilla/5.0 (compatible; tidemark)' };

/** Yahoo's names of intervals, by those that records have. */
export const YAHOO_INTERVALS: ReadonlyMap<string, string> = new Map([
  ...['1m', '2m', '5m', '15m', '30m', '90m', '1h', '1d', '5d', '1mo', '3mo'].map((name) => [name, name] as const),
  ['1w', '1wk'],
]);

/**
 * The bars of a symbol.
 * @param extent a range that ends now (`1d`, `5d`, `1mo`, `1y`, `max`), or from when to when, epoch seconds
 */
export function yahooBars(
  base: string,
  symbol: string,
  interval: string,
  extent: { readonly range: string } | { readonly period1: string; readonly period2: string },
): MarketSeries {
  const url = new URL(`/v8/finance/chart/${encodeURIComponent(symbol)}`, base);
  const query = {
    interval: YAHOO_INTERVALS.get(interval) ?? interval,
    ...extent,
    events: 'div,split,capitalGains',
    includePrePost: 'false',
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return {
    label: `yahoo ${symbol} ${interval}`,
    kind: 'bars',
    interval,
    instruments: [`yahoo:${symbol}`],
    request: requestOf(url),
    parse: (response) => parseYahooChart(response, symbol),
    endsMicros: null,
  };
}

/** The best bids and asks of symbols, in one request. */
export function yahooQuotes(base: string, symbols: readonly string[]): MarketSeries {
  const url = new URL('/v7/finance/quote', base);
  url.searchParams.set('symbols', symbols.join(','));
  return {
    label: `yahoo quotes ${symbols.join(',')}`,
    kind: 'quotes',
    interval: 'quote',
    instruments: symbols.map((symbol) => `yahoo:${symbol}`),
    request: requestOf(url),
    parse: (response) => parseYahooQuotes(response, symbols),
    endsMicros: null,
  };
}

function requestOf(url: URL): MarketRequest {
  return { url, headers: YAHOO_HEADERS, secrets: {} };
}
