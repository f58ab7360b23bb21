import {
  checkedDecimal,
  checkedSymbol,
  frameParser,
  isObject,
  type Json,
  type JsonObject,
  list,
  object,
  readMicros,
  text,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent } from './venue.ts';

const TRADE: TradeFields = {
  id: 'id',
  time: ['microtimestamp', readMicros],
  price: 'price_str',
  size: 'amount_str',
  side: ['type', '0', '1'],
};

const CHANNEL = /^(live_trades|order_book|diff_order_book|detail_order_book|live_orders)_([^_]+)$/;

/** Bitstamp: channels `live_trades` and, for the best quotes, `order_book`, which is sent whole. */
export const BITSTAMP: Venue = {
  name: 'bitstamp',
  url: 'wss://ws.bitstamp.net',
  subscribe: (symbols) =>
    symbols.flatMap((symbol) =>
      ['live_trades', 'order_book'].map((channel) =>
        JSON.stringify({ event: 'bts:subscribe', data: { channel: `${channel}_${symbol}` } }),
      ),
    ),
  ping: { frame: JSON.stringify({ event: 'bts:heartbeat' }), everyMs: 10_000 },
  silenceMs: 30_000,
  // They rise over all pairs together.
  tradeIds: 'rising',
  openParser: () => frameParser(read),
};

function read(message: Json): readonly VenueEvent[] {
  const frame = object(message);
  switch (frame.event) {
    case 'trade':
    case 'data':
    case 'bts:subscription_succeeded':
      return channelMessage(frame);
    case 'bts:heartbeat':
      return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
    case 'bts:request_reconnect':
      return [{ kind: 'error', code: 'reconnect', message: 'it asks to connect anew', symbol: null }];
    case 'bts:error': {
      const { code, message: words } = isObject(frame.data) ? frame.data : {};
      return [{ kind: 'error', code: textOrNull(code), message: textOrNull(words) ?? 'no reason given', symbol: null }];
    }
    case 'order_created':
    case 'order_changed':
    case 'order_deleted':
      return [];
    default:
      throw unknownMessage(frame.event);
  }
}

function channelMessage(frame: JsonObject): readonly VenueEvent[] {
  const name = text(frame, 'channel');
  const [, channel, pair] = CHANNEL.exec(name) ?? [];
  if (channel === undefined || pair === undefined) throw unknownMessage(name);
  const symbol = checkedSymbol(pair);
  if (frame.event === 'bts:subscription_succeeded') {
    return channel === 'live_trades' ? [{ kind: 'subscribed', symbols: [symbol] }] : [];
  }
  const record = object(frame.data);
  if (frame.event === 'trade' && channel === 'live_trades') return [numberedTrade(symbol, record, TRADE)];
  if (frame.event === 'data' && channel === 'order_book') return quotes(symbol, record);
  if (frame.event === 'data' && channel !== 'live_trades') return [];
  throw unknownMessage(frame.event);
}

/** A book with an empty side has no best quotes. */
function quotes(symbol: string, record: JsonObject): readonly VenueEvent[] {
  const [bids, asks] = [list(record.bids), list(record.asks)];
  if (bids.length === 0 || asks.length === 0) return [];
  const [bid, bidSize] = list(bids[0]);
  const [ask, askSize] = list(asks[0]);
  return [
    {
      kind: 'quote',
      symbol,
      eventMicros: time(record, 'microtimestamp', readMicros),
      publishMicros: null,
      sequence: null,
      bid: checkedDecimal(bid, 'bid'),
      ask: checkedDecimal(ask, 'ask'),
      bidSize: checkedDecimal(bidSize, 'bid size'),
      askSize: checkedDecimal(askSize, 'ask size'),
    },
  ];
}
