import { MICROS_PER_MS } from '../../../core/time.ts';
import type { TradeHistory } from '../history.ts';
import { eachRecord, frameParser, readSeconds } from '../message.ts';
import { numberedTrade, type TradeFields } from '../numberedTrade.ts';

const TRADE: TradeFields = {
  id: 'tid',
  time: ['date', readSeconds],
  price: 'price',
  size: 'amount',
  side: ['type', '0', '1'],
};

const MINUTE_MS = 60_000;
/** Of the stretches, for the way of the request. */
const MARGIN_MS = 10_000;

/** Bitstamp, `GET /api/v2/transactions/{pair}/`: those of the latest minute, hour or day, newest first, their times in whole seconds. */
export const BITSTAMP_HISTORY: TradeHistory = {
  url: 'https://www.bitstamp.net',
  request(symbol, { fromMicros }, nowMs) {
    const ageMs = nowMs - fromMicros / MICROS_PER_MS + MARGIN_MS;
    const stretch = ageMs < MINUTE_MS ? 'minute' : ageMs < 60 * MINUTE_MS ? 'hour' : 'day';
    return `/api/v2/transactions/${encodeURIComponent(symbol)}/?time=${stretch}`;
  },
  pageSize: Number.POSITIVE_INFINITY,
  gives: 'latest',
  openParser: (symbol) =>
    frameParser((message) => eachRecord(message, (record) => [numberedTrade(symbol, record, TRADE)])),
};
