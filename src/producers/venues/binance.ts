import {
  decimal,
  frameParser,
  isObject,
  type Json,
  type JsonObject,
  object,
  readMillis,
  sequenceOf,
  symbolOf,
  textOrNull,
  time,
  unknownMessage,
  unusable,
  wholeId,
} from './message.ts';
import type { Venue, VenueEvent, VenueQuote, VenueTrade } from './venue.ts';

/** Of streams that may be in a recording. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  ...['depthUpdate', 'kline', '24hrTicker', '24hrMiniTicker', 'avgPrice'],
  ...['markPriceUpdate', 'forceOrder', 'continuous_kline', 'contractInfo'],
]);

/** Both of Binance's markets: streams `aggTrade`, whose ids its public REST endpoint goes by, and `bookTicker`. */
function binance(market: string, url: string): Venue {
  return {
    name: `binance-${market}`,
    url,
    subscribe: (symbols) => {
      const params = symbols.flatMap((symbol) => {
        return [`${symbol.toLowerCase()}@aggTrade`, `${symbol.toLowerCase()}@bookTicker`];
      });
      return [JSON.stringify({ method: 'SUBSCRIBE', params, id: 1 })];
    },
    ping: null,
    // It pings every 20 seconds, in futures every three minutes.
    silenceMs: market === 'spot' ? 60_000 : 400_000,
    tradeIds: 'consecutive',
    openParser() {
      const kinds = new TradeKinds();
      return frameParser((message, receivedMicros) => read(message, receivedMicros, kinds));
    },
  };
}

export const BINANCE_SPOT = binance('spot', 'wss://stream.binance.com:9443/stream');
export const BINANCE_USDM = binance('usdm', 'wss://fstream.binance.com/stream');

/**
 * Which trades of a connection count that has both kinds of a symbol, as only one that was recorded by other software does. From the first
 * single trade on, single ones do: aggregated ones no more, and of the single ones none that an aggregated one before has counted.
 */
class TradeKinds {
  readonly #single = new Set<string>();
  /** By symbol, the last trade that an aggregated one has counted. */
  readonly #aggregated = new Map<string, number>();

  /** @param lastId of the trades in it */
  countsAggregated(symbol: string, lastId: number | null): boolean {
    if (this.#single.has(symbol)) return false;
    if (lastId !== null) this.#aggregated.set(symbol, lastId);
    return true;
  }

  countsSingle(symbol: string, id: number | null): boolean {
    if (id !== null && id <= (this.#aggregated.get(symbol) ?? -1)) return false;
    this.#single.add(symbol);
    return true;
  }
}

function read(message: Json, receivedMicros: number, kinds: TradeKinds): readonly VenueEvent[] {
  const frame = object(message);
  if (frame.result === null) return [{ kind: 'subscribed', symbols: [] }];
  if (frame.msg !== undefined) return [refusal(frame)];
  if (isObject(frame.error)) return [refusal(frame.error)];
  // A combined stream wraps what a single one sends as it is.
  const record = frame.stream === undefined ? frame : object(frame.data);
  const { e: type } = record;
  if (type === 'aggTrade') {
    const aggregated = trade(record, 'a');
    return kinds.countsAggregated(aggregated.symbol, sequenceOf(record.l)) ? [aggregated] : [];
  }
  if (type === 'trade') {
    // An entry of futures that is no trade of the market: an insurance fund's, or a deleveraging.
    if (record.X === 'NA') return [];
    const single = trade(record, 't');
    return kinds.countsSingle(single.symbol, single.sequence) ? [single] : [];
  }
  if (type === 'bookTicker' || isSpotQuote(record)) return [quote(record, receivedMicros)];
  // A part of the book, which has no kind either.
  if (record.lastUpdateId !== undefined || (typeof type === 'string' && PASSED_OVER.has(type))) return [];
  throw unknownMessage(type ?? frame.stream);
}

/** The spot market's best quotes name neither their kind nor their time. */
function isSpotQuote({ e, u, b, a }: JsonObject): boolean {
  return e === undefined && [u, b, a].every((value) => typeof value === 'string');
}

function refusal({ code, msg }: JsonObject): VenueEvent {
  return { kind: 'error', code: textOrNull(code), message: textOrNull(msg) ?? 'no reason given', symbol: null };
}

function trade(record: JsonObject, idField: 'a' | 't'): VenueTrade {
  const tradeId = wholeId(record, idField);
  if (typeof record.m !== 'boolean') throw unusable('value', 'm, whether the buyer was waiting, is not true or false');
  return {
    kind: 'trade',
    symbol: symbolOf(record, 's'),
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, 'T', readMillis),
    publishMicros: time(record, 'E', readMillis),
    price: decimal(record, 'p'),
    size: decimal(record, 'q'),
    side: record.m ? 'sell' : 'buy',
    isOld: false,
  };
}

function quote(record: JsonObject, receivedMicros: number): VenueQuote {
  return {
    kind: 'quote',
    symbol: symbolOf(record, 's'),
    eventMicros: record.T === undefined ? receivedMicros : time(record, 'T', readMillis),
    publishMicros: record.E === undefined ? null : time(record, 'E', readMillis),
    sequence: sequenceOf(record.u),
    bid: decimal(record, 'b'),
    ask: decimal(record, 'a'),
    bidSize: decimal(record, 'B'),
    askSize: decimal(record, 'A'),
  };
}
