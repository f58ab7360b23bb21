import type { TradeHistory } from '../history.ts';
import {
  decimal,
  eachRecord,
  frameParser,
  type JsonObject,
  readMillis,
  sequenceOf,
  time,
  unusable,
  wholeId,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 1_000;

/** Binance, `GET …/aggTrades`: the trades from `fromId` on, oldest first. */
function binance(url: string, path: string): TradeHistory {
  return {
    url,
    request: (symbol, { afterId }) =>
      `${path}?symbol=${encodeURIComponent(symbol)}&fromId=${Number(afterId) + 1}&limit=${PAGE}`,
    pageSize: PAGE,
    gives: 'next',
    openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
  };
}

export const BINANCE_SPOT_HISTORY = binance('https://api.binance.com', '/api/v3/aggTrades');
export const BINANCE_USDM_HISTORY = binance('https://fapi.binance.com', '/fapi/v1/aggTrades');

function trade(symbol: string, record: JsonObject): VenueEvent {
  const tradeId = wholeId(record, 'a');
  if (typeof record.m !== 'boolean') throw unusable('value', 'm, whether the buyer was waiting, is not true or false');
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'T', readMillis),
    publishMicros: null,
    price: decimal(record, 'p'),
    size: decimal(record, 'q'),
    side: record.m ? 'sell' : 'buy',
    isOld: false,
  };
}
