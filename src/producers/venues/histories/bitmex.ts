import { formatIsoMicros } from '../../../core/time.ts';
import type { TradeHistory } from '../history.ts';
import { decimal, eachRecord, frameParser, type JsonObject, readIso, side, text, time } from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 1_000;

/** BitMEX, `GET /api/v1/trade`: the trades from an instant on, oldest first. */
export const BITMEX_HISTORY: TradeHistory = {
  url: 'https://www.bitmex.com',
  request: (symbol, { fromMicros }) =>
    `/api/v1/trade?symbol=${encodeURIComponent(symbol)}&startTime=${formatIsoMicros(fromMicros)}&count=${PAGE}`,
  pageSize: PAGE,
  gives: 'next',
  openParser: (symbol) => frameParser((message) => eachRecord(message, (record) => [trade(symbol, record)])),
};

function trade(symbol: string, record: JsonObject): VenueEvent {
  return {
    kind: 'trade',
    symbol,
    tradeId: text(record, 'trdMatchID'),
    sequence: null,
    eventMicros: time(record, 'timestamp', readIso),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'size'),
    side: side(record.side, 'Buy', 'Sell'),
    isOld: false,
  };
}
