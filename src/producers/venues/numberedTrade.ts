import type { TimeParser } from '../timeText.ts';
import { decimal, type JsonObject, sequenceOf, side, time, wholeId } from './message.ts';
import type { VenueTrade } from './venue.ts';

/** Where the records of a venue have what of a trade. */
export interface TradeFields {
  readonly id: string;
  readonly time: readonly [field: string, read: TimeParser];
  readonly price: string;
  readonly size: string;
  /** The aggressor's side: its field, and the words for the two. */
  readonly side: readonly [field: string, buy: string, sell: string];
}

/** The trade of a record, of a venue whose trades have numbers. @throws Unusable */
export function numberedTrade(symbol: string, record: JsonObject, fields: TradeFields, isOld = false): VenueTrade {
  const tradeId = wholeId(record, fields.id);
  const [timeField, read] = fields.time;
  const [sideField, buy, sell] = fields.side;
  return {
    kind: 'trade',
    symbol,
    tradeId,
    sequence: sequenceOf(tradeId),
    eventMicros: time(record, timeField, read),
    publishMicros: null,
    price: decimal(record, fields.price),
    size: decimal(record, fields.size),
    side: side(record[sideField], buy, sell),
    isOld,
  };
}
