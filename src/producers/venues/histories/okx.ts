import type { TradeHistory } from '../history.ts';
import {
  decimal,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  object,
  readMillis,
  sequenceOf,
  side,
  textOrNull,
  time,
  unusable,
  wholeId,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 100;

/** OKX, `GET /api/v5/market/history-trades`: the latest trades, or those before an id, newest first. Each is one of its own. */
export const OKX_HISTORY: TradeHistory = {
  url: 'https://www.okx.com',
  request: (symbol) => `/api/v5/market/history-trades?instId=${encodeURIComponent(symbol)}&type=1&limit=${PAGE}`,
  older: (symbol, { tradeId }) =>
    `/api/v5/market/history-trades?instId=${encodeURIComponent(symbol)}&type=1&after=${tradeId}&limit=${PAGE}`,
  pageSize: PAGE,
  gives: 'latest',
  openParser: (symbol) => frameParser((message) => trades(symbol, message)),
};

function trades(symbol: string, message: Json): readonly VenueEvent[] {
  const { code, msg, data } = object(message);
  if (code !== '0') throw unusable('frame', `code ${textOrNull(code)}: ${textOrNull(msg)}`);
  return eachRecord(data, (record) => [trade(symbol, record)]);
}

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'tradeId');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'ts', readMillis),
    publishMicros: null,
    price: decimal(record, 'px'),
    size: decimal(record, 'sz'),
    side: side(record.side, 'buy', 'sell'),
    isOld: false,
  };
}
