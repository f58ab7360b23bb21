import {
  checkedDecimal,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  list,
  object,
  readMillis,
  sequenceOf,
  symbolOf,
  text,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent, VenueParser } from './venue.ts';

/** In the stream and in the history. */
export const OKX_TRADE: TradeFields = {
  id: 'tradeId',
  time: ['ts', readMillis],
  price: 'px',
  size: 'sz',
  side: ['side', 'buy', 'sell'],
};

/** Of channels that may be in a recording. */
const PASSED_OVER =
  /^(?:books|candle|mark-price|index-|funding-rate|open-interest|price-limit|instruments|status|liquidation)/;
const HEARTBEAT: readonly VenueEvent[] = [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];

/**
 * OKX: channels `trades` and `bbo-tbt`; in recordings also `tickers`. The first message of a trade subscription is the last trade from
 * before it, and does not say so. One message may stand for several trades, whose last id it bears.
 */
export const OKX: Venue = {
  name: 'okx',
  url: 'wss://ws.okx.com:8443/ws/v5/public',
  subscribe: (symbols) => {
    const args = symbols.flatMap((instId) => ['trades', 'bbo-tbt'].map((channel) => ({ channel, instId })));
    return [JSON.stringify({ op: 'subscribe', args })];
  },
  // It closes a connection on which nothing went for 30 seconds.
  ping: { frame: 'ping', everyMs: 20_000 },
  silenceMs: 45_000,
  tradeIds: 'rising',
  openParser,
};

function openParser(): VenueParser {
  const begun = new Set<string>();
  return frameParser((message) => read(object(message), begun), new Map([['pong', HEARTBEAT]]));
}

/** @param begun symbols whose first trades have come */
function read(frame: JsonObject, begun: Set<string>): readonly VenueEvent[] {
  if (frame.event !== undefined) return answer(frame);
  const { channel, instId } = object(frame.arg);
  if (channel === 'trades' && typeof instId === 'string') {
    const isOld = !begun.has(instId);
    begun.add(instId);
    return eachRecord(frame.data, (record) => [numberedTrade(symbolOf(record, 'instId'), record, OKX_TRADE, isOld)]);
  }
  if (channel === 'bbo-tbt')
    return eachRecord(frame.data, (record) => topOfBook(text(object(frame.arg), 'instId'), record));
  if (channel === 'tickers') return eachRecord(frame.data, ticker);
  if (typeof channel === 'string' && PASSED_OVER.test(channel)) return [];
  throw unknownMessage(channel);
}

function answer({ event, arg, code, msg }: JsonObject): readonly VenueEvent[] {
  switch (event) {
    case 'subscribe': {
      const { channel, instId } = object(arg);
      return channel === 'trades' && typeof instId === 'string' ? [{ kind: 'subscribed', symbols: [instId] }] : [];
    }
    case 'error':
    case 'notice':
      return [{ kind: 'error', code: textOrNull(code), message: textOrNull(msg) ?? 'no reason given', symbol: null }];
    case 'unsubscribe':
    case 'channel-conn-count':
      return [];
    default:
      throw unknownMessage(event);
  }
}

/** A ticker of an instrument with an empty side of its book has an empty price there. */
function ticker(record: JsonObject): readonly VenueEvent[] {
  const [bid, ask] = [
    [record.bidPx ?? null, record.bidSz ?? null],
    [record.askPx ?? null, record.askSz ?? null],
  ];
  return quotes(symbolOf(record, 'instId'), record, bid, ask);
}

function topOfBook(symbol: string, record: JsonObject): readonly VenueEvent[] {
  const [bids, asks] = [list(record.bids), list(record.asks)];
  if (bids.length === 0 || asks.length === 0) return [];
  return quotes(symbol, record, list(bids[0]), list(asks[0]));
}

function quotes(symbol: string, record: JsonObject, bid: readonly Json[], ask: readonly Json[]): readonly VenueEvent[] {
  if (bid[0] === '' || ask[0] === '') return [];
  return [
    {
      kind: 'quote',
      symbol,
      eventMicros: time(record, 'ts', readMillis),
      publishMicros: null,
      sequence: sequenceOf(record.seqId),
      bid: checkedDecimal(bid[0], 'bid'),
      ask: checkedDecimal(ask[0], 'ask'),
      bidSize: checkedDecimal(bid[1], 'bid size'),
      askSize: checkedDecimal(ask[1], 'ask size'),
    },
  ];
}
