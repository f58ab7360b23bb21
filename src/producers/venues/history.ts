import { type ErrorCode, TidemarkError } from '../../errors.ts';
import { notOfFormat, quoted } from '../market/refusals.ts';
import type { MarketResponse } from '../market/response.ts';
import type { Missing, ReceivedTrade } from './tradeLine.ts';
import type { VenueParser, VenueTrade } from './venue.ts';

/** A venue's past trades, over HTTP. Shapes are those of the venues' documents. */
export interface TradeHistory {
  /** Of the REST interface. */
  readonly url: string;
  /** Path and query of the trades after some, with the last before them where ids do not show a gap; or of the latest. */
  request(symbol: string, missing: Missing, nowMs: number): string;
  /** The same of trades before one, where an answer has the latest and may not go back far enough. */
  readonly older?: (symbol: string, trade: VenueTrade) => string;
  /** Most trades in an answer. */
  readonly pageSize: number;
  /** Whether an answer begins with the oldest trade after those, or ends with the newest of all. */
  readonly gives: 'next' | 'latest';
  openParser(symbol: string): VenueParser;
}

/** An answer's trades. */
export interface HistoryPage {
  readonly trades: readonly ReceivedTrade[];
  /** There were no later ones. */
  readonly isEnd: boolean;
}

/** @throws TidemarkError (TM_SOURCE_…) for an answer that has no trades in it */
export function parsePage(
  { gives, pageSize, openParser }: TradeHistory,
  symbol: string,
  { status, body, receivedMicros }: MarketResponse,
): HistoryPage {
  if (status !== 200) {
    throw new TidemarkError(codeOf(status), `the venue answered with status ${status}: ${quoted(body)}`);
  }
  const events = openParser(symbol).parse(body, receivedMicros);
  const trades = events.flatMap((event) => (event.kind === 'trade' ? [{ ...event, receivedMicros }] : []));
  const fault = events.find((event) => event.kind === 'fault');
  // A trade that cannot be read stays missing; the others are of use.
  if (fault !== undefined && trades.length === 0) throw notOfFormat(`no trades (${fault.detail})`, body);
  return { trades, isEnd: gives === 'latest' || events.length < pageSize };
}

function codeOf(status: number): ErrorCode {
  if (status === 429 || status === 418) return 'TM_SOURCE_RATE';
  if (status === 401 || status === 403 || status === 451) return 'TM_SOURCE_ACCESS';
  if (status === 404) return 'TM_SOURCE_SYMBOL';
  return status >= 500 ? 'TM_SOURCE_SERVER' : 'TM_SOURCE_REQUEST';
}
