import { formatIsoMicros } from '../../../core/time.ts';
import { bitmexTrade } from '../bitmex.ts';
import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser } from '../message.ts';

const PAGE = 1_000;

/** BitMEX, `GET /api/v1/trade`: the trades from an instant on, oldest first. */
export const BITMEX_HISTORY: TradeHistory = {
  url: 'https://www.bitmex.com',
  request: (symbol, { fromMicros }) =>
    `/api/v1/trade?symbol=${encodeURIComponent(symbol)}&startTime=${formatIsoMicros(fromMicros)}&count=${PAGE}`,
  pageSize: PAGE,
  gives: 'next',
  openParser: (symbol) =>
    frameParser((message) => eachRecord(message, (record) => [bitmexTrade(symbol, record, false)])),
};
