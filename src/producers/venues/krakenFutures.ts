import {
  anyId,
  decimal,
  decimalOrNull,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  list,
  object,
  readMillis,
  sequenceOf,
  side,
  symbolOf,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import type { Venue, VenueEvent, VenueTrade } from './venue.ts';

/** Of feeds that may be in a recording. */
const PASSED_OVER: ReadonlySet<string> = new Set(['book', 'book_snapshot']);

/**
 * Kraken's derivatives: feeds `trade`, `ticker` and `heartbeat`; in recordings also `ticker_lite`, which has neither sizes nor a time. The
 * first message of a trade subscription (`trade_snapshot`) holds the last trades from before it, newest first. Sizes are contracts; a
 * trade's id has no order, its number has.
 */
export const KRAKEN_FUTURES: Venue = {
  name: 'kraken-futures',
  url: 'wss://futures.kraken.com/ws/v1',
  subscribe: (symbols) => [
    JSON.stringify({ event: 'subscribe', feed: 'trade', product_ids: symbols }),
    JSON.stringify({ event: 'subscribe', feed: 'ticker', product_ids: symbols }),
    JSON.stringify({ event: 'subscribe', feed: 'heartbeat' }),
  ],
  // It closes a connection that did not ping for a minute.
  ping: { frame: null, everyMs: 30_000 },
  silenceMs: 75_000,
  tradeIds: 'unordered',
  openParser: () => frameParser(read),
};

function read(message: Json, receivedMicros: number): readonly VenueEvent[] {
  const frame = object(message);
  const { event, feed } = frame;
  if (event !== undefined) return answer(frame);
  switch (feed) {
    case 'trade':
      return [krakenFuturesTrade(symbolOf(frame, 'product_id'), frame, false)];
    case 'trade_snapshot':
      return eachRecord(frame.trades, (record) => [krakenFuturesTrade(symbolOf(record, 'product_id'), record, true)]);
    case 'ticker':
    case 'ticker_lite':
      return quotes(frame, receivedMicros);
    case 'heartbeat':
      return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
    default:
      if (typeof feed === 'string' && PASSED_OVER.has(feed)) return [];
      throw unknownMessage(feed);
  }
}

function answer({ event, feed, product_ids, message }: JsonObject): readonly VenueEvent[] {
  switch (event) {
    case 'subscribed': {
      if (feed !== 'trade') return [];
      const symbols = list(product_ids).filter((symbol) => typeof symbol === 'string');
      return [{ kind: 'subscribed', symbols }];
    }
    case 'alert':
    case 'error':
      return [{ kind: 'error', code: null, message: textOrNull(message) ?? 'no reason given', symbol: null }];
    case 'info':
    case 'unsubscribed':
      return [];
    default:
      throw unknownMessage(event);
  }
}

function krakenFuturesTrade(symbol: string, record: JsonObject, isOld: boolean): VenueTrade {
  return {
    kind: 'trade',
    symbol,
    tradeId: anyId(record, 'uid'),
    sequence: sequenceOf(record.seq),
    eventMicros: time(record, 'time', readMillis),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'qty'),
    side: side(record.side, 'buy', 'sell'),
    isOld,
  };
}

/** A side of the book that is empty has no price. */
function quotes(record: JsonObject, receivedMicros: number): readonly VenueEvent[] {
  if ((record.bid ?? null) === null || (record.ask ?? null) === null) return [];
  return [
    {
      kind: 'quote',
      symbol: symbolOf(record, 'product_id'),
      eventMicros: record.time === undefined ? receivedMicros : time(record, 'time', readMillis),
      publishMicros: null,
      sequence: null,
      bid: decimal(record, 'bid'),
      ask: decimal(record, 'ask'),
      bidSize: decimalOrNull(record, 'bid_size'),
      askSize: decimalOrNull(record, 'ask_size'),
    },
  ];
}
