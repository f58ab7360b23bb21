import type { TradeHistory } from '../history.ts';
import {
  decimal,
  eachRecord,
  frameParser,
  type JsonObject,
  readMillis,
  sequenceOf,
  side,
  time,
  wholeId,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 500;

/**
 * Gemini, `GET /v1/trades/{symbol}`: the trades after an id, of which the last known one is asked for again. Those of auctions and
 * blocks, which the stream has elsewhere, have other types, and are passed over as unreadable.
 */
export const GEMINI_HISTORY: TradeHistory = {
  url: 'https://api.gemini.com',
  request: (symbol, { afterId }) =>
    `/v1/trades/${encodeURIComponent(symbol.toLowerCase())}?since_tid=${BigInt(afterId ?? 1) - 1n}&limit_trades=${PAGE}`,
  pageSize: PAGE,
  gives: 'next',
  openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
};

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'tid');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'timestampms', readMillis),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'amount'),
    side: side(record.type, 'buy', 'sell'),
    isOld: false,
  };
}
