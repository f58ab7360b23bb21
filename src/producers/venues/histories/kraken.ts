import type { TradeHistory } from '../history.ts';
import {
  eachRecord,
  frameParser,
  isObject,
  type Json,
  type JsonObject,
  list,
  object,
  readSeconds,
  unusable,
} from '../message.ts';
import { numberedTrade, type TradeFields } from '../numberedTrade.ts';
import type { VenueEvent } from '../venue.ts';

const TRADE: TradeFields = {
  id: 'id',
  time: ['seconds', readSeconds],
  price: 'price',
  size: 'size',
  side: ['taker', 'b', 's'],
};

const PAGE = 1_000;
const NANOS_PER_MICRO = 1_000n;

/**
 * Kraken, `GET /0/public/Trades`: the trades after an instant in nanoseconds, oldest first, so that the last one before is asked for
 * again. The answer names the pair in its own way.
 */
export const KRAKEN_HISTORY: TradeHistory = {
  url: 'https://api.kraken.com',
  request(symbol, { fromMicros }) {
    const since = BigInt(fromMicros) * NANOS_PER_MICRO - 1n;
    return `/0/public/Trades?pair=${encodeURIComponent(symbol.replace('/', ''))}&since=${since}&count=${PAGE}`;
  },
  pageSize: PAGE,
  gives: 'next',
  openParser: (symbol) => frameParser((message) => trades(symbol, object(message))),
};

function trades(symbol: string, { error, result }: JsonObject): readonly VenueEvent[] {
  if (!isObject(result)) throw unusable('frame', `no result: ${JSON.stringify(error ?? null)}`);
  const rows = Object.entries(result).find(([name]) => name !== 'last')?.[1];
  return eachRecord(list(rows).map(named), (record) => [numberedTrade(symbol, record, TRADE)]);
}

/** Rows are lists; named, a broken one does not take the others with it. */
function named(row: Json): JsonObject {
  const [price, size, seconds, taker, , , id] = Array.isArray(row) ? (row as readonly Json[]) : [];
  return { price, size, seconds, taker, id };
}
