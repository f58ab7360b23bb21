import type { VenueQuote, VenueTrade } from './venue.ts';

/** A trade as a record of `ticks`. */
export function tickRow(venue: string, trade: VenueTrade, receivedMicros: number): Readonly<Record<string, unknown>> {
  const { symbol, eventMicros, publishMicros, price, size, side, sequence, tradeId } = trade;
  return {
    instrument: `${venue}:${symbol}`,
    eventTime: eventMicros,
    price: Number(price),
    size: Number(size),
    ...{ side, sequence, tradeId },
    publishTime: publishMicros,
    receiveTime: receivedMicros,
  };
}

/** A best bid and ask as a record of `quotes`. */
export function quoteRow(venue: string, quote: VenueQuote, receivedMicros: number): Readonly<Record<string, unknown>> {
  const { symbol, eventMicros, publishMicros, bid, ask, bidSize, askSize, sequence } = quote;
  return {
    instrument: `${venue}:${symbol}`,
    eventTime: eventMicros,
    bid: Number(bid),
    ask: Number(ask),
    bidSize: bidSize === null ? null : Number(bidSize),
    askSize: askSize === null ? null : Number(askSize),
    sequence,
    publishTime: publishMicros,
    receiveTime: receivedMicros,
  };
}
