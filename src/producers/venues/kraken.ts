import {
  checkedDecimal,
  checkedSymbol,
  checkedTime,
  decimal,
  decimalOrNull,
  eachRecord,
  frameParser,
  isObject,
  type Json,
  type JsonObject,
  list,
  object,
  readIso,
  readSeconds,
  side,
  symbolOf,
  text,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent, VenueQuote } from './venue.ts';

/** Of version 2. */
const TRADE: TradeFields = {
  id: 'trade_id',
  time: ['timestamp', readIso],
  price: 'price',
  size: 'qty',
  side: ['side', 'buy', 'sell'],
};

/** Of channels that may be in a recording, of both versions. */
const PASSED_OVER = /^(?:book|ohlc|ticker|instrument|status|level3)(?:-\d+)?$/;

/**
 * Kraken's spot market: version 2 of its WebSocket interface, channels `trade` and `ticker`. The first message of a trade
 * subscription holds the last trades from before it. Version 1 is read too, for recordings: it has no trade ids, so that a
 * repeat cannot be told.
 */
export const KRAKEN: Venue = {
  name: 'kraken',
  url: 'wss://ws.kraken.com/v2',
  subscribe: (symbol) => [
    JSON.stringify({ method: 'subscribe', params: { channel: 'trade', symbol, snapshot: true } }),
    JSON.stringify({ method: 'subscribe', params: { channel: 'ticker', symbol, event_trigger: 'bbo' } }),
  ],
  // It sends a heartbeat each second while anything is subscribed.
  ping: null,
  silenceMs: 15_000,
  tradeIds: 'consecutive',
  openParser: () => frameParser(read),
};

function read(message: Json, receivedMicros: number): readonly VenueEvent[] {
  if (Array.isArray(message)) return channelOfVersion1(message as readonly Json[]);
  const frame = object(message);
  if (frame.event !== undefined) return eventOfVersion1(frame);
  if (frame.method !== undefined) return answer(frame);
  const { channel } = frame;
  if (channel === 'heartbeat') return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
  if (channel === 'trade') {
    const isOld = frame.type === 'snapshot';
    return eachRecord(frame.data, (record) => [numberedTrade(symbolOf(record, 'symbol'), record, TRADE, isOld)]);
  }
  if (channel === 'ticker') return eachRecord(frame.data, (record) => [quote(record, receivedMicros)]);
  if (typeof channel === 'string' && PASSED_OVER.test(channel)) return [];
  throw unknownMessage(channel);
}

function answer({ method, success, error, result, symbol }: JsonObject): readonly VenueEvent[] {
  if (method === 'pong') return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
  if (method !== 'subscribe') throw unknownMessage(method);
  if (success !== true) {
    return [{ kind: 'error', code: null, message: textOrNull(error) ?? 'no reason given', symbol: textOrNull(symbol) }];
  }
  const accepted = object(result);
  return accepted.channel === 'trade' ? [{ kind: 'subscribed', symbols: [symbolOf(accepted, 'symbol')] }] : [];
}

function quote(record: JsonObject, receivedMicros: number): VenueQuote {
  return {
    kind: 'quote',
    symbol: symbolOf(record, 'symbol'),
    eventMicros: record.timestamp === undefined ? receivedMicros : time(record, 'timestamp', readIso),
    publishMicros: null,
    sequence: null,
    bid: decimal(record, 'bid'),
    ask: decimal(record, 'ask'),
    bidSize: decimalOrNull(record, 'bid_qty'),
    askSize: decimalOrNull(record, 'ask_qty'),
  };
}

function eventOfVersion1(frame: JsonObject): readonly VenueEvent[] {
  switch (frame.event) {
    case 'heartbeat':
    case 'pong':
      return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
    case 'systemStatus':
      return [];
    case 'subscriptionStatus':
      if (frame.status === 'error') {
        const message = textOrNull(frame.errorMessage) ?? 'no reason given';
        return [{ kind: 'error', code: null, message, symbol: textOrNull(frame.pair) }];
      }
      if (!isObject(frame.subscription) || frame.subscription.name !== 'trade') return [];
      return [{ kind: 'subscribed', symbols: [text(frame, 'pair')] }];
    default:
      throw unknownMessage(frame.event);
  }
}

/** A list: a number, one or two parts of data, the channel's name and the pair. */
function channelOfVersion1(message: readonly Json[]): readonly VenueEvent[] {
  const data = message[1];
  const channel = message.at(-2);
  const pair = message.at(-1);
  if (typeof channel !== 'string' || typeof pair !== 'string') throw unknownMessage(channel);
  if (PASSED_OVER.test(channel)) return [];
  const symbol = checkedSymbol(pair);
  if (channel === 'spread') return [quoteOfVersion1(symbol, list(data))];
  if (channel !== 'trade') throw unknownMessage(channel);
  // Rows are lists; named, a broken one does not take the others with it.
  const rows = list(data).map((row): JsonObject => {
    const [price, size, seconds, taker] = Array.isArray(row) ? (row as readonly Json[]) : [];
    return { price, size, seconds, taker };
  });
  return eachRecord(rows, (row) => [
    {
      kind: 'trade',
      symbol,
      tradeId: null,
      sequence: null,
      eventMicros: time(row, 'seconds', readSeconds),
      publishMicros: null,
      price: decimal(row, 'price'),
      size: decimal(row, 'size'),
      side: side(row.taker, 'b', 's'),
      isOld: false,
    },
  ]);
}

function quoteOfVersion1(symbol: string, [bid, ask, seconds, bidSize, askSize]: readonly Json[]): VenueQuote {
  return {
    kind: 'quote',
    symbol,
    eventMicros: checkedTime(seconds, 'time', readSeconds),
    publishMicros: null,
    sequence: null,
    bid: checkedDecimal(bid, 'bid'),
    ask: checkedDecimal(ask, 'ask'),
    bidSize: checkedDecimal(bidSize, 'bid size'),
    askSize: checkedDecimal(askSize, 'ask size'),
  };
}
