import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser, readMillis } from '../message.ts';
import { numberedTrade, type TradeFields } from '../numberedTrade.ts';

const TRADE: TradeFields = {
  id: 'tid',
  time: ['timestampms', readMillis],
  price: 'price',
  size: 'amount',
  side: ['type', 'buy', 'sell'],
};

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
  openParser: (symbol) =>
    frameParser((message) => eachRecord(message, (record) => [numberedTrade(symbol, record, TRADE)])),
};
