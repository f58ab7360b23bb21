import type { RowFault } from '../rowFault.ts';

/** A trade as a venue published it. Numbers keep the venue's decimal text. */
export interface VenueTrade {
  readonly kind: 'trade';
  /** As the venue writes it. The instrument is `venue:symbol`. */
  readonly symbol: string;
  /** Null where the venue gives none. */
  readonly tradeId: string | null;
  /** The venue's order within the symbol: the id where ids rise. */
  readonly sequence: number | null;
  readonly eventMicros: number;
  readonly publishMicros: number | null;
  readonly price: string;
  /** In the venue's unit: coins or contracts. */
  readonly size: string;
  /** The aggressor's. */
  readonly side: 'buy' | 'sell' | null;
  /** Part of a snapshot of trades from before the subscription. */
  readonly isOld: boolean;
}

/** A best bid and ask as a venue published it. */
export interface VenueQuote {
  readonly kind: 'quote';
  readonly symbol: string;
  /** When it was received, where the venue gives no time. */
  readonly eventMicros: number;
  readonly publishMicros: number | null;
  readonly sequence: number | null;
  readonly bid: string;
  readonly ask: string;
  readonly bidSize: string | null;
  readonly askSize: string | null;
}

export type VenueEvent =
  | VenueTrade
  | VenueQuote
  /** The venue accepted a subscription; of these symbols, where it says so. */
  | { readonly kind: 'subscribed'; readonly symbols: readonly string[] }
  /** A sign of life. `lastTradeId` is the latest trade of the symbol, where the venue says so. */
  | { readonly kind: 'heartbeat'; readonly symbol: string | null; readonly lastTradeId: string | null }
  /** The venue refused something. */
  | { readonly kind: 'error'; readonly code: string | null; readonly message: string; readonly symbol: string | null }
  /** The frame, or one record in it, that cannot be used: it is no data, and goes to dead letters. */
  | ({ readonly kind: 'fault' } & RowFault);

/** Reads the frames of one connection, in the order that they came. It may keep state: a new connection takes a new one. */
export interface VenueParser {
  /**
   * What a text frame says, which may be nothing: books and candles are passed over. Never throws for a frame, whatever is in it.
   * @param receivedMicros when it came, epoch microseconds
   */
  parse(frame: string, receivedMicros: number): readonly VenueEvent[];
}

/** An exchange: where it is, how to ask it and what it answers. */
export interface Venue {
  /** The first half of its instruments. */
  readonly name: string;
  /** WebSocket address of its public data. */
  readonly url: string;
  /** Frames that ask for the trades and best quotes of symbols. */
  subscribe(symbols: readonly string[]): readonly string[];
  /** What to send to keep a quiet connection open, a frame or, where that is null, a WebSocket's ping; null where the venue sends signs of life itself. */
  readonly ping: { readonly frame: string | null; readonly everyMs: number } | null;
  /** A connection that said nothing for so long, WebSocket pings included, is dead. */
  readonly silenceMs: number;
  /**
   * What a symbol's trade ids tell: `consecutive` ones rise by one, so that a missing one is a gap; `rising` ones have gaps of
   * their own; others have no order, or there are none.
   */
  readonly tradeIds: 'consecutive' | 'rising' | 'unordered' | 'none';
  openParser(): VenueParser;
}
