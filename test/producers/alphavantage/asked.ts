import { parseAlphaVantage } from '../../../src/producers/alphavantage/parse.ts';
import type { AlphaVantageSeries } from '../../../src/producers/alphavantage/series.ts';
import type { MarketRows } from '../../../src/producers/market/response.ts';
import { recordedBody, response } from '../market/recorded.ts';

export const MSFT_DAILY: AlphaVantageSeries = { market: 'stocks', symbol: 'MSFT', interval: '1d', adjusted: false };

/** A series of stocks. */
export function stocks(symbol: string, interval: string | null, adjusted = false): AlphaVantageSeries {
  return { market: 'stocks', symbol, interval, adjusted };
}

/** What each recording is an answer to, by its file, with the rows that it holds as documented. */
export const RECORDED: readonly (readonly [string, number, AlphaVantageSeries])[] = [
  ['json/TIME_SERIES_INTRADAY_MSFT_1min_20171218.json', 100, stocks('MSFT', '1m')],
  ['json/TIME_SERIES_INTRADAY_TSLA_5min_20210423_shortened.json', 2, stocks('TSLA', '5m')],
  ['json/TIME_SERIES_DAILY_MSFT_compact_20190712.json', 100, MSFT_DAILY],
  ['json/TIME_SERIES_DAILY_MSFT_full_20190712.json', 5_416, MSFT_DAILY],
  ['json/TIME_SERIES_DAILY_ADJUSTED_MSFT_compact_20180713.json', 100, stocks('MSFT', '1d', true)],
  ['json/TIME_SERIES_WEEKLY_TSLA_20210423.json', 564, stocks('TSLA', '1w')],
  ['json/GLOBAL_QUOTE_MSFT_20181005.json', 1, stocks('MSFT', null)],
  ['json/GLOBAL_QUOTE_MSFT_20190712.json', 1, stocks('MSFT', null)],
  ['json/GLOBAL_QUOTE_TSLA_20210423.json', 1, stocks('TSLA', null)],
  ['json/FX_INTRADAY_EURUSD_5min_20200922.json', 100, pair('fx', 'EUR/USD', '5m')],
  ['json/CURRENCY_EXCHANGE_RATE_USDJPY_20260517.json', 1, pair('fx', 'USD/JPY', null)],
  ['json/DIGITAL_CURRENCY_INTRADAY_BTC_CNY_20171220.json', 923, pair('crypto', 'BTC/CNY', '5m')],
  ['json/BATCH_STOCK_QUOTES_20171229.json', 3, stocks('MSFT,FB,AAPL', null)],
  ['csv/TIME_SERIES_INTRADAY_IBM_5min_20200821.csv', 100, stocks('IBM', '5m')],
  ['csv/TIME_SERIES_INTRADAY_IBM_5min_20260515.csv', 100, stocks('IBM', '5m', true)],
  ['csv/TIME_SERIES_INTRADAY_TSLA_5min_20210513.csv', 100, stocks('TSLA', '5m')],
  ['csv/TIME_SERIES_INTRADAY_EXTENDED_TSLA_5min_20210513.csv', 514, stocks('TSLA', '5m')],
  ['csv/TIME_SERIES_INTRADAY_EXTENDED_MSFT_1min_202012.csv.gz', 11_190, stocks('MSFT', '1m')],
  ['csv/TIME_SERIES_INTRADAY_EXTENDED_IBM_15min_adj_202106.csv', 797, stocks('IBM', '15m', true)],
  ['csv/TIME_SERIES_INTRADAY_EXTENDED_IBM_60min_raw_202104.csv', 245, stocks('IBM', '1h')],
  ['csv/TIME_SERIES_DAILY_AMJ_20200821.csv', 100, stocks('AMJ', '1d')],
  ['csv/TIME_SERIES_DAILY_IBM_20260515.csv', 100, stocks('IBM', '1d')],
  ['csv/TIME_SERIES_DAILY_ADJUSTED_IBM_20260515.csv', 100, stocks('IBM', '1d', true)],
  ['csv/GLOBAL_QUOTE_IBM_20251114.csv', 1, stocks('IBM', null)],
  ['csv/GLOBAL_QUOTE_IBM_20260515.csv', 1, stocks('IBM', null)],
  ['csv/FX_INTRADAY_EURUSD_5min_20260515.csv', 100, pair('fx', 'EUR/USD', '5m')],
  ['csv/CRYPTO_INTRADAY_ETHUSD_5min_20260517.csv', 100, pair('crypto', 'ETH/USD', '5m')],
];

/** Recordings without market data, or with made-up ones. */
export const NOT_DATA = [
  'json/MARKET_STATUS_20260517.json',
  'json/REALTIME_BULK_QUOTES_premium_sample.json',
  'json/SYMBOL_SEARCH_BA.json',
] as const;

function pair(market: 'fx' | 'crypto', symbol: string, interval: string | null): AlphaVantageSeries {
  return { market, symbol, interval, adjusted: false };
}

/** The evening of the day in a file's name, in New York. */
function receivedAt(file: string): string {
  const [, year, month, day = '30'] = /_(\d{4})(\d\d)(\d\d)?[._]/.exec(file) ?? [];
  return `${year}-${month}-${day}T23:30:00Z`;
}

export function parseRecorded(file: string, received = receivedAt(file)): MarketRows {
  const series = RECORDED.find(([name]) => name === file)?.[2] ?? MSFT_DAILY;
  return parseAlphaVantage(response(recordedBody(`alphavantage/${file}`), received), series);
}
