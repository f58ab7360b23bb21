import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser, type Json, object, readMillis, textOrNull, unusable } from '../message.ts';
import { numberedTrade, type TradeFields } from '../numberedTrade.ts';
import type { VenueEvent } from '../venue.ts';

const TRADE: TradeFields = {
  id: 'tradeId',
  time: ['ts', readMillis],
  price: 'px',
  size: 'sz',
  side: ['side', 'buy', 'sell'],
};

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
  return eachRecord(data, (record) => [numberedTrade(symbol, record, TRADE)]);
}
