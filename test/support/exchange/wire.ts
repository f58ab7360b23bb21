/** A trade that happened at an exchange of the tests. */
export interface TrueTrade {
  readonly symbol: string;
  /** Rises by one within the symbol. */
  readonly id: number;
  readonly micros: number;
  readonly price: string;
  readonly size: string;
  /** The aggressor's. */
  readonly side: 'buy' | 'sell';
}

/** How a venue writes what happens; by its documents, and by nothing of the product. */
export interface Wire {
  /** The symbols that a frame of a client asks for; none when it asks for nothing. */
  asked(frame: string): readonly string[];
  /** What a subscription is answered with, `happened` being the trades so far. */
  welcome(symbols: readonly string[], happened: readonly TrueTrade[]): readonly string[];
  trade(trade: TrueTrade): string;
  /** A sign of life beside a trade; null where there is none. */
  heartbeat(last: TrueTrade): string | null;
  /** The answer to a request for past trades. */
  history(url: URL, happened: readonly TrueTrade[]): string;
}
