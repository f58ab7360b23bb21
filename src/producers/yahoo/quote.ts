import { TidemarkError } from '../../errors.ts';
import { checkedNumber, isFault } from '../market/numbers.ts';
import { isObject, notOfFormat } from '../market/refusals.ts';
import type { MarketResponse, MarketRows, PublishedQuote, ResponseFault } from '../market/response.ts';
import { checkedTime } from '../market/times.ts';
import type { RowFault } from '../rowFault.ts';
import { shortestFloat } from './float32.ts';
import { answerOf } from './refusal.ts';

/**
 * Best bids and asks. Yahoo leaves out symbols that it does not know, without a word: each is a fault, and none at all an error.
 * Where there is no book, such as of coins, a quote is empty.
 * @throws TidemarkError (TM_SOURCE_…) when the answer is an error, or has none of the symbols
 */
export function parseYahooQuotes(response: MarketResponse, symbols: readonly string[]): MarketRows {
  const { result } = answerOf(response, 'quoteResponse') ?? {};
  if (!Array.isArray(result)) throw notOfFormat('the answer has no quotes', response.body);
  const missing = new Set(symbols);
  const quotes: PublishedQuote[] = [];
  const faults: ResponseFault[] = [];
  let empty = 0;
  for (const [index, found] of result.entries()) {
    if (isObject(found) && typeof found.symbol === 'string') missing.delete(found.symbol);
    const quote = quoteOf(found, symbols);
    if (quote === null) empty++;
    else if (isFault(quote)) faults.push({ ...quote, position: index + 1, payload: JSON.stringify(found) });
    else quotes.push(quote);
  }
  if (missing.size === symbols.length) {
    throw new TidemarkError('TM_SOURCE_SYMBOL', `Yahoo knows no symbol ${symbols.join(', ')}`);
  }
  for (const symbol of missing) {
    const detail = `Yahoo knows no symbol ${symbol}`;
    faults.push({ reason: 'symbol', detail, position: result.length + 1, payload: symbol });
  }
  return { bars: [], quotes, faults, empty };
}

function quoteOf(found: unknown, symbols: readonly string[]): PublishedQuote | RowFault | null {
  if (!isObject(found)) return { reason: 'columns', detail: 'the quote is not an object' };
  const { symbol, regularMarketTime } = found;
  if (typeof symbol !== 'string' || !symbols.includes(symbol)) {
    return { reason: 'symbol', detail: `the quote is of ${String(symbol)}, which was not asked for` };
  }
  const seconds = typeof regularMarketTime === 'number' ? regularMarketTime : Number.NaN;
  const eventTime = checkedTime('regularMarketTime', seconds * 1_000_000, String(regularMarketTime));
  if (isFault(eventTime)) return eventTime;
  const bid = numberOf(found, 'bid');
  const ask = numberOf(found, 'ask');
  const bidSize = numberOf(found, 'bidSize');
  const askSize = numberOf(found, 'askSize');
  if (isFault(bid)) return bid;
  if (isFault(ask)) return ask;
  if (isFault(bidSize)) return bidSize;
  if (isFault(askSize)) return askSize;
  // Yahoo writes 0 for a side of the book that is empty, as both are before the market opens.
  if (bid === null || ask === null || bid === 0 || ask === 0) return null;
  return { instrument: `yahoo:${symbol}`, eventTime, bid, ask, bidSize, askSize };
}

function numberOf(found: Readonly<Record<string, unknown>>, name: string): number | null | RowFault {
  const value = found[name] ?? null;
  if (value === null) return null;
  if (typeof value !== 'number') return { reason: 'number', detail: `${name} is not a number: ${String(value)}` };
  return checkedNumber(name, shortestFloat(value));
}
