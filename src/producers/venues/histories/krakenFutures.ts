import { MICROS_PER_MS } from '../../../core/time.ts';
import type { TradeHistory } from '../history.ts';
import {
  anyId,
  decimal,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  object,
  readIso,
  side,
  textOrNull,
  time,
  unusable,
} from '../message.ts';
import type { VenueEvent } from '../venue.ts';

const PAGE = 100;
const PATH = '/derivatives/api/v3/history';

/**
 * Kraken's derivatives, `GET /derivatives/api/v3/history`: the latest trades before an instant, newest first, of the last seven days at
 * most. Those of the same millisecond as the oldest are asked for again, since some of them may not be in the answer.
 */
export const KRAKEN_FUTURES_HISTORY: TradeHistory = {
  url: 'https://futures.kraken.com',
  request: (symbol) => `${PATH}?symbol=${encodeURIComponent(symbol)}`,
  older: (symbol, { eventMicros }) => {
    const before = new Date(Math.floor(eventMicros / MICROS_PER_MS) + 1).toISOString();
    return `${PATH}?symbol=${encodeURIComponent(symbol)}&lastTime=${before}`;
  },
  pageSize: PAGE,
  gives: 'latest',
  openParser: (symbol) => frameParser((message) => trades(symbol, message)),
};

function trades(symbol: string, message: Json): readonly VenueEvent[] {
  const { result, error, history } = object(message);
  if (result !== 'success') throw unusable('frame', `result ${textOrNull(result)}: ${textOrNull(error)}`);
  return eachRecord(history, (record) => [trade(symbol, record)]);
}

/** It has no number in the order of the stream's. */
function trade(symbol: string, record: JsonObject): VenueEvent {
  return {
    kind: 'trade',
    symbol,
    tradeId: anyId(record, 'uid'),
    sequence: null,
    eventMicros: time(record, 'time', readIso),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'size'),
    side: side(record.side, 'buy', 'sell'),
    isOld: false,
  };
}
