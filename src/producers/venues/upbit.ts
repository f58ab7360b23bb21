import {
  checkedDecimal,
  frameParser,
  isObject,
  type Json,
  type JsonObject,
  list,
  object,
  readMillis,
  symbolOf,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import { numberedTrade, type TradeFields } from './numberedTrade.ts';
import type { Venue, VenueEvent } from './venue.ts';

const TRADE: TradeFields = {
  id: 'sid',
  time: ['ttms', readMillis],
  price: 'tp',
  size: 'tv',
  side: ['ab', 'BID', 'ASK'],
};

/**
 * Upbit: types `trade` and `orderbook` in its short format. It says nothing of a subscription, whether it has the market or not: the
 * book as it is, which comes first, shows that it has.
 */
export const UPBIT: Venue = {
  name: 'upbit',
  url: 'wss://api.upbit.com/websocket/v1',
  subscribe: (codes) => [
    JSON.stringify([
      { ticket: 'tidemark' },
      { type: 'trade', codes, isOnlyRealtime: true },
      { type: 'orderbook', codes },
      { format: 'SIMPLE' },
    ]),
  ],
  // It closes a connection on which nothing went for two minutes.
  ping: { frame: 'PING', everyMs: 30_000 },
  silenceMs: 75_000,
  tradeIds: 'unordered',
  openParser: () => frameParser(read),
};

function read(message: Json): readonly VenueEvent[] {
  const frame = object(message);
  if (frame.status === 'UP') return [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];
  if (isObject(frame.error)) {
    const { name, message: words } = frame.error;
    return [{ kind: 'error', code: textOrNull(name), message: textOrNull(words) ?? 'no reason given', symbol: null }];
  }
  if (frame.ty === 'trade') {
    const trade = numberedTrade(symbolOf(frame, 'cd'), frame, TRADE, frame.st === 'SNAPSHOT');
    return [{ ...trade, publishMicros: time(frame, 'tms', readMillis) }];
  }
  if (frame.ty === 'orderbook') return quotes(frame);
  if (frame.ty === 'ticker') return [];
  throw unknownMessage(frame.ty);
}

/** A book without units has no best quotes. */
function quotes(record: JsonObject): readonly VenueEvent[] {
  const units = list(record.obu);
  if (units.length === 0) return [];
  const best = object(units[0]);
  return [
    {
      kind: 'quote',
      symbol: symbolOf(record, 'cd'),
      eventMicros: time(record, 'tms', readMillis),
      publishMicros: null,
      sequence: null,
      bid: checkedDecimal(best.bp, 'bp'),
      ask: checkedDecimal(best.ap, 'ap'),
      bidSize: checkedDecimal(best.bs, 'bs'),
      askSize: checkedDecimal(best.as, 'as'),
    },
  ];
}
