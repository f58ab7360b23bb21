import {
  decimal,
  decimalOrNull,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  object,
  readIso,
  sequenceOf,
  symbolOf,
  textOrNull,
  time,
  unknownMessage,
  wholeId,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent, VenueQuote } from './venue.ts';

/** In the stream and in the history. The side of a match is that of the order that was waiting. */
export const COINBASE_TRADE: TradeFields = {
  id: 'trade_id',
  time: ['time', readIso],
  price: 'price',
  size: 'size',
  side: ['side', 'sell', 'buy'],
};

/** Of channels that may be in a recording. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  ...['snapshot', 'l2update', 'status', 'auction'],
  ...['received', 'open', 'done', 'change', 'activate'],
]);

/**
 * Coinbase Exchange: channels `matches`, `ticker` and `heartbeat`. The heartbeat comes each second for each product and names its latest trade;
 * the first match of a subscription is the last one from before it (`last_match`).
 */
export const COINBASE: Venue = {
  name: 'coinbase',
  url: 'wss://ws-feed.exchange.coinbase.com',
  subscribe: (symbols) => [
    JSON.stringify({ type: 'subscribe', product_ids: symbols, channels: ['matches', 'ticker', 'heartbeat'] }),
  ],
  ping: null,
  silenceMs: 15_000,
  tradeIds: 'consecutive',
  openParser: () => frameParser(read),
};

function read(message: Json): readonly VenueEvent[] {
  const record = object(message);
  const { type } = record;
  switch (type) {
    case 'match':
    case 'last_match':
      return [numberedTrade(symbolOf(record, 'product_id'), record, COINBASE_TRADE, type === 'last_match')];
    case 'ticker':
      return quotes(record);
    case 'heartbeat':
      return [heartbeat(record)];
    case 'subscriptions':
      return subscriptions(record);
    case 'error':
      return [{ kind: 'error', code: null, message: errorText(record), symbol: null }];
    default:
      if (typeof type === 'string' && PASSED_OVER.has(type)) return [];
      throw unknownMessage(type);
  }
}

/** Of a product without a trade it names none. */
function heartbeat(record: JsonObject): VenueEvent {
  const lastTradeId = (record.last_trade_id ?? null) === null ? null : wholeId(record, 'last_trade_id');
  return { kind: 'heartbeat', symbol: symbolOf(record, 'product_id'), lastTradeId };
}

/** The ticker of a product without a trade has no time, and one of an empty book no price. */
function quotes(record: JsonObject): readonly VenueQuote[] {
  if (record.time === undefined || record.best_bid === '0' || record.best_ask === '0') return [];
  return [
    {
      kind: 'quote',
      symbol: symbolOf(record, 'product_id'),
      eventMicros: time(record, 'time', readIso),
      publishMicros: null,
      sequence: sequenceOf(record.sequence),
      bid: decimal(record, 'best_bid'),
      ask: decimal(record, 'best_ask'),
      bidSize: decimalOrNull(record, 'best_bid_size'),
      askSize: decimalOrNull(record, 'best_ask_size'),
    },
  ];
}

function subscriptions(record: JsonObject): readonly VenueEvent[] {
  return eachRecord(record.channels, ({ name, product_ids }) => {
    if (name !== 'matches' || !Array.isArray(product_ids)) return [];
    const symbols = (product_ids as readonly Json[]).filter((symbol) => typeof symbol === 'string');
    return [{ kind: 'subscribed', symbols }];
  });
}

function errorText({ message, reason }: JsonObject): string {
  return [message, reason].flatMap((part) => textOrNull(part) ?? []).join(': ') || 'no reason given';
}
