import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser, type Json, object, textOrNull, unusable } from '../message.ts';
import { numberedTrade } from '../numberedTrade.ts';
import { OKX_TRADE } from '../okx.ts';
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
  return eachRecord(data, (record) => [numberedTrade(symbol, record, OKX_TRADE)]);
}
