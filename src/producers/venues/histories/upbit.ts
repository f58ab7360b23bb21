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

/** Upbit, `GET /v1/trades/ticks`: the latest trades of the day, or those before a number, newest first. */
export const UPBIT_HISTORY: TradeHistory = {
  url: 'https://api.upbit.com',
  request: (symbol) => `/v1/trades/ticks?market=${encodeURIComponent(symbol)}&count=${PAGE}`,
  older: (symbol, { tradeId }) =>
    `/v1/trades/ticks?market=${encodeURIComponent(symbol)}&count=${PAGE}&cursor=${tradeId}`,
  pageSize: PAGE,
  gives: 'latest',
  openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
};

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'sequential_id');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'timestamp', readMillis),
    publishMicros: null,
    price: decimal(record, 'trade_price'),
    size: decimal(record, 'trade_volume'),
    side: side(record.ask_bid, 'BID', 'ASK'),
    isOld: false,
  };
}
