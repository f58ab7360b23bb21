import { type Period, periodOf } from '../market/periods.ts';

/** What Alpha Vantage is asked for: the bars of a symbol, or its latest quote. */
export interface AlphaVantageSeries {
  readonly market: 'stocks' | 'fx' | 'crypto';
  /** `MSFT`; of currencies and coins the pair, `EUR/USD`. */
  readonly symbol: string;
  /** 1m, 5m, 15m, 30m, 1h, 1d, 1w or 1mo; null for the quote. */
  readonly interval: string | null;
  /** Bars of less than a day come adjusted for splits and dividends; longer ones bring an adjusted close besides. */
  readonly adjusted: boolean;
}

/** The market's two names of a pair. */
export function pairOf(symbol: string): readonly [string, string] {
  const [base = '', quote = ''] = symbol.split('/');
  return [base, quote];
}

export function instrumentOf({ market, symbol }: Pick<AlphaVantageSeries, 'market' | 'symbol'>): string {
  return `alphavantage:${market === 'stocks' ? symbol : pairOf(symbol).join('')}`;
}

/** The API's own names of intervals below a day. */
export const INTRADAY: ReadonlyMap<string, string> = new Map([
  ['1m', '1min'],
  ['5m', '5min'],
  ['15m', '15min'],
  ['30m', '30min'],
  ['1h', '60min'],
]);

/** The period of a series' bars. A quote is taken for the bar of its day. */
export function seriesPeriod({ interval }: AlphaVantageSeries): Period {
  return periodOf(interval ?? '1d');
}
