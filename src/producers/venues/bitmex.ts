import {
  anyId,
  checkedSymbol,
  decimal,
  eachRecord,
  frameParser,
  type Json,
  type JsonObject,
  object,
  readIso,
  side,
  symbolOf,
  textOrNull,
  time,
  unknownMessage,
} from './message.ts';
import type { Venue, VenueEvent } from './venue.ts';

/** Of tables that may be in a recording. */
const PASSED_OVER =
  /^(?:orderBook|instrument$|liquidation$|funding$|settlement$|insurance$|announcement$|chat$|connected$|publicNotifications$|tradeBin|quoteBin)/;
const HEARTBEAT: readonly VenueEvent[] = [{ kind: 'heartbeat', symbol: null, lastTradeId: null }];

/**
 * BitMEX: tables `trade` and `quote`. The first message of a subscription (`partial`) is its last trade from before it. Sizes are contracts; trade ids have
 * no order.
 */
export const BITMEX: Venue = {
  name: 'bitmex',
  url: 'wss://ws.bitmex.com/realtime',
  subscribe: (symbols) => {
    const args = symbols.flatMap((symbol) => [`trade:${symbol}`, `quote:${symbol}`]);
    return [JSON.stringify({ op: 'subscribe', args })];
  },
  ping: { frame: 'ping', everyMs: 5_000 },
  silenceMs: 15_000,
  tradeIds: 'unordered',
  openParser: () => frameParser(read, new Map([['pong', HEARTBEAT]])),
};

function read(message: Json): readonly VenueEvent[] {
  const frame = object(message);
  const { table, action, error } = frame;
  if (frame.info !== undefined) return [];
  if (error !== undefined) {
    return [
      { kind: 'error', code: textOrNull(frame.status), message: textOrNull(error) ?? 'no reason given', symbol: null },
    ];
  }
  if (frame.success === true) {
    const [channel, symbol] = (textOrNull(frame.subscribe) ?? '').split(':');
    return channel === 'trade' && symbol !== undefined
      ? [{ kind: 'subscribed', symbols: [checkedSymbol(symbol)] }]
      : [];
  }
  if (typeof table === 'string' && PASSED_OVER.test(table)) return [];
  if ((table !== 'trade' && table !== 'quote') || (action !== 'insert' && action !== 'partial'))
    throw unknownMessage(table);
  return eachRecord(frame.data, (record) =>
    table === 'trade' ? [bitmexTrade(symbolOf(record, 'symbol'), record, action === 'partial')] : quotes(record),
  );
}

/** In the stream and in the history. @throws Unusable */
export function bitmexTrade(symbol: string, record: JsonObject, isOld: boolean): VenueEvent {
  return {
    kind: 'trade',
    symbol,
    tradeId: anyId(record, 'trdMatchID'),
    sequence: null,
    eventMicros: time(record, 'timestamp', readIso),
    publishMicros: null,
    price: decimal(record, 'price'),
    size: decimal(record, 'size'),
    side: side(record.side, 'Buy', 'Sell'),
    isOld,
  };
}

/** A side of the book that is empty has no price. */
function quotes(record: JsonObject): readonly VenueEvent[] {
  if ((record.bidPrice ?? null) === null || (record.askPrice ?? null) === null) return [];
  return [
    {
      kind: 'quote',
      symbol: symbolOf(record, 'symbol'),
      eventMicros: time(record, 'timestamp', readIso),
      publishMicros: null,
      sequence: null,
      bid: decimal(record, 'bidPrice'),
      ask: decimal(record, 'askPrice'),
      bidSize: decimal(record, 'bidSize'),
      askSize: decimal(record, 'askSize'),
    },
  ];
}
