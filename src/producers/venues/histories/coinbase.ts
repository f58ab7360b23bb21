import { COINBASE_TRADE } from '../coinbase.ts';
import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser } from '../message.ts';
import { numberedTrade } from '../numberedTrade.ts';

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
  openParser: (symbol) =>
    frameParser((message) => eachRecord(message, (record) => [numberedTrade(symbol, record, COINBASE_TRADE)])),
};
