import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser, readMillis } from '../message.ts';
import { numberedTrade, type TradeFields } from '../numberedTrade.ts';

const TRADE: TradeFields = {
  id: 'sequential_id',
  time: ['timestamp', readMillis],
  price: 'trade_price',
  size: 'trade_volume',
  side: ['ask_bid', 'BID', 'ASK'],
};

const PAGE = 500;

/** Upbit, `GET /v1/trades/ticks`: the latest trades of the day, or those before a number, newest first. */
export const UPBIT_HISTORY: TradeHistory = {
  url: 'https://api.upbit.com',
  request: (symbol) => `/v1/trades/ticks?market=${encodeURIComponent(symbol)}&count=${PAGE}`,
  older: (symbol, { tradeId }) =>
    `/v1/trades/ticks?market=${encodeURIComponent(symbol)}&count=${PAGE}&cursor=${tradeId}`,
  pageSize: PAGE,
  gives: 'latest',
  openParser: (symbol) =>
    frameParser((message) => eachRecord(message, (record) => [numberedTrade(symbol, record, TRADE)])),
};
