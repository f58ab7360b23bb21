import { BestPrices } from './bestPrices.ts';
import {
  eachRecord,
  frameParser,
  type JsonObject,
  list,
  object,
  readMillis,
  symbolOf,
  textOrNull,
  unknownMessage,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent, VenueParser } from './venue.ts';

const TRADE: TradeFields = {
  id: 'event_id',
  time: ['timestamp', readMillis],
  price: 'price',
  size: 'quantity',
  side: ['side', 'buy', 'sell'],
};

/** Of messages that may be in a recording. */
const PASSED_OVER = /^(?:auction|block_trade$|candles_)/;

/**
 * Gemini: version 2 of its market data, subscription `l2`. It gives trades, and the book by its changes, of which the best quotes
 * are made; a change has no time but that of its receipt, and no number: after a frame that cannot be read there are no quotes. The first message of a symbol is the whole book, with the last trades from before.
 */
export const GEMINI: Venue = {
  name: 'gemini',
  url: 'wss://api.gemini.com/v2/marketdata',
  subscribe: (symbols) => [JSON.stringify({ type: 'subscribe', subscriptions: [{ name: 'l2', symbols }] })],
  // It sends a heartbeat every five seconds.
  ping: null,
  silenceMs: 20_000,
  // They are numbers of events, which trades share with all else.
  tradeIds: 'rising',
  openParser,
};

/** The books of a connection. */
interface Books {
  readonly bySymbol: Map<string, BestPrices>;
  /** No change was lost: one that is makes a book wrong for good, so there are no quotes after it. */
  isWhole: boolean;
}

function openParser(): VenueParser {
  const books: Books = { bySymbol: new Map(), isWhole: true };
  const parser = frameParser((message, receivedMicros) => read(object(message), receivedMicros, books));
  return {
    parse: (frame, receivedMicros) => {
      const events = parser.parse(frame, receivedMicros);
      if (events.some((event) => event.kind === 'fault' && event.reason === 'frame')) books.isWhole = false;
      return events;
    },
  };
}

function read(frame: JsonObject, receivedMicros: number, books: Books): readonly VenueEvent[] {
  const { type } = frame;
  if (frame.result === 'error') {
    const message = textOrNull(frame.message) ?? textOrNull(frame.reason) ?? 'no reason given';
    return [{ kind: 'error', code: textOrNull(frame.reason), message, symbol: null }];
  }
  if (type === 'trade') return [numberedTrade(symbolOf(frame, 'symbol'), frame, TRADE)];
  if (type === 'l2_updates') return changes(frame, receivedMicros, books);
  if (type === 'heartbeat') return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
  if (typeof type === 'string' && PASSED_OVER.test(type)) return [];
  throw unknownMessage(type);
}

function changes(frame: JsonObject, eventMicros: number, books: Books): readonly VenueEvent[] {
  const { isWhole } = books;
  // Until all of its changes have been taken in.
  books.isWhole = false;
  const symbol = symbolOf(frame, 'symbol');
  const found = books.bySymbol.get(symbol);
  const book = found ?? new BestPrices();
  const best = book.change(list(frame.changes));
  books.isWhole = isWhole;
  books.bySymbol.set(symbol, book);
  const subscribed: readonly VenueEvent[] = found === undefined ? [{ kind: 'subscribed', symbols: [symbol] }] : [];
  const trades =
    frame.trades === undefined
      ? []
      : eachRecord(frame.trades, (record) => [numberedTrade(symbolOf(record, 'symbol'), record, TRADE, true)]);
  if (best === null || !isWhole) return [...subscribed, ...trades];
  const { bid, ask } = best;
  const quote: VenueEvent = {
    kind: 'quote',
    symbol,
    eventMicros,
    publishMicros: null,
    sequence: null,
    bid: bid.price,
    ask: ask.price,
    bidSize: bid.size,
    askSize: ask.size,
  };
  return [...subscribed, ...trades, quote];
}
