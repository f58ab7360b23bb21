import type { TradeHistory } from '../history.ts';
import {
  decimal,
  eachRecord,
  frameParser,
  type JsonObject,
  readIso,
  sequenceOf,
  side,
  time,
  wholeId,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 1_000;

/**
 * Coinbase Exchange, `GET /products/{id}/trades`: `after` is an id, and the answer has the latest trades below it, newest first.
 * Ids rise by one, so that the page of the next trades is known.
 */
export const COINBASE_HISTORY: TradeHistory = {
  url: 'https://api.exchange.coinbase.com',
  request(symbol, { afterId, untilId }) {
    const until = Math.min(Number(untilId), Number(afterId) + PAGE);
    return `/products/${encodeURIComponent(symbol)}/trades?limit=${until - Number(afterId)}&after=${until + 1}`;
  },
  pageSize: PAGE,
  gives: 'next',
  openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
};

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'trade_id');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'time', readIso),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'size'),
    // As in the stream: of the order that was waiting.
    side: side(record.side, 'sell', 'buy'),
    isOld: false,
  };
}
