import type { MarketRows } from '../../../src/producers/market/response.ts';
import { parseYahooChart } from '../../../src/producers/yahoo/chart.ts';
import { parseYahooQuotes } from '../../../src/producers/yahoo/quote.ts';
import { recordedBody, response } from '../market/recorded.ts';

/** Charts by file: rows as documented, rows of nulls among them, and the symbol. */
export const CHARTS: readonly (readonly [string, number, number, string])[] = [
  ['chart_1m/AAPL_1m_20180529.json', 390, 0, 'AAPL'],
  ['chart_1m/SPY_1m_20180529.json', 390, 0, 'SPY'],
  ['chart_1m/GSPC_index_1m_20180529.json', 390, 0, '^GSPC'],
  ['chart_1m/O=F_1m_20180529.json', 1_306, 1_155, 'O=F'],
  ['chart_1m/AMD180720C00003000_1m_20180529.json', 681, 621, 'AMD180720C00003000'],
  ['chart_1m/USDGBP=X_1m_20180529.json', 199, 61, 'USDGBP=X'],
  ['chart/chart-AAPL-2020-08-31-to-2020-11-07.json', 49, 0, 'AAPL'],
  ['chart/chart-MSFT-2021-02-01-to-2022-01-31-dividends.json', 252, 0, 'MSFT'],
  ['chart/chart-NVDA-2021-02-01-to-2022-01-31-split.json', 252, 0, 'NVDA'],
  ['chart/chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json', 0, 0, 'AAPL'],
  ['chart/chart-CAPIO.ST-no-data.json', 0, 0, 'CAPIO.ST'],
  ['chart/chart-BTC-USD-2020-01-01-to-2020-01-03.json', 3, 0, 'BTC-USD'],
  ['chart/chart-EURUSD=X-2020-01-01-to-2020-01-03.json', 3, 0, 'EURUSD=X'],
  ['chart/chart-WSU.DE-2023-08-04-to-2023-08-09.json', 3, 0, 'WSU.DE'],
  ['chart/chart-OCDO.L-2020-01-01-to-2020-01-03.json', 1, 0, 'OCDO.L'],
  ['chart/chart-AZT.OL-2020-01-01-to-2020-01-03.json', 1, 0, 'AZT.OL'],
  ['chart/chart-WSKT.JK-2020-01-01-to-2020-01-03.json', 1, 0, 'WSKT.JK'],
  ['chart/chart-GC=F-2020-01-01-to-2020-01-03.json', 1, 0, 'GC=F'],
  ['chart/chart-AFRAF-2020-01-01-to-2020-01-03.json', 1, 0, 'AFRAF'],
  ['chart/chart-0P000071W8.TO-2020-01-01-to-2020-01-03.json', 1, 0, '0P000071W8.TO'],
  ['chart/chart-0P0000XTS7-2024-09-12-to-2024-09-16.json', 2, 0, '0P0000XTS7'],
  ['chart/chart-AAPL.json', 1, 0, 'AAPL'],
  ['chart/chart-INPSX-20180529.json', 1, 0, 'INPSX'],
  ['chart/chart-AAPL-2024-09-30-to-2024-10-11.json', 10, 0, 'AAPL'],
  ['chart/chart-GS2C.DE-5d.json', 5, 0, 'GS2C.DE'],
  ['chart/chart-VFINX-max-3mo.json', 164, 0, 'VFINX'],
  ['chart/chart-ALL.AX-3mo-2022-01-13.json', 64, 0, 'ALL.AX'],
  ['chart/chart-MUV2.DE-6mo-close-only-with-null.json', 124, 1, 'MUV2.DE'],
];

/** Quotes by file: results as documented, and the symbols that were asked for. */
export const QUOTES: readonly (readonly [string, number, readonly string[]])[] = [
  ['quote/quote-AAPL.json', 1, ['AAPL']],
  ['quote/quote-AAPL-BABA.json', 2, ['AAPL', 'BABA']],
  ['quote/quote-AAPL-NONEXIST-200-partial.json', 1, ['AAPL', 'NONEXIST']],
  ['quote/quote-BTC-USD.json', 1, ['BTC-USD']],
  ['quote/quote-EURUSD=X.json', 1, ['EURUSD=X']],
  ['quote/quote-OCDO.L.json', 1, ['OCDO.L']],
];

/** The body of a recording, which may have its request and headers around it. */
export function yahooBody(file: string): string {
  const text = recordedBody(`yahoo/${file}`);
  if (!text.startsWith('{')) return text;
  const recording = JSON.parse(text) as { response?: { bodyJson: unknown } };
  return recording.response === undefined ? text : JSON.stringify(recording.response.bodyJson);
}

export function parseChart(file: string, received?: string): MarketRows {
  const symbol = CHARTS.find(([name]) => name === file)?.[3] ?? '';
  return parseYahooChart(response(yahooBody(file), received), symbol);
}

export function parseQuotes(file: string): MarketRows {
  return parseYahooQuotes(response(yahooBody(file)), QUOTES.find(([name]) => name === file)?.[2] ?? []);
}
