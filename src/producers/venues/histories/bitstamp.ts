import { MICROS_PER_MS } from '../../../core/time.ts';
import type { TradeHistory } from '../history.ts';
import {
  decimal,
  eachRecord,
  frameParser,
  type JsonObject,
  readSeconds,
  sequenceOf,
  side,
  time,
  wholeId,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

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
  openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
};

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'tid');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'date', readSeconds),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'amount'),
    side: side(record.type, '0', '1'),
    isOld: false,
  };
}
