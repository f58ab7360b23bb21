import { checkedDecimal, type Json, list, side, unusable } from './message.ts';

/** Prices of one side of a book at most: more than any market has. */
const MAX_LEVELS = 100_000;

interface Level {
  readonly price: string;
  readonly size: string;
}

/** One side of a book, by its price. */
class BookSide {
  readonly #levels = new Map<number, Level>();
  readonly #isBetter: (a: number, b: number) => boolean;
  #best = Number.NaN;

  constructor(isBetter: (a: number, b: number) => boolean) {
    this.#isBetter = isBetter;
  }

  get best(): Level | undefined {
    return this.#levels.get(this.#best);
  }

  /** @throws Unusable */
  set(level: Level): void {
    const price = Number(level.price);
    if (Number(level.size) === 0) {
      this.#levels.delete(price);
      if (price === this.#best) this.#best = this.#searched();
      return;
    }
    if (this.#levels.size >= MAX_LEVELS && !this.#levels.has(price)) {
      throw unusable('frame', `a book of more than ${MAX_LEVELS} prices`);
    }
    this.#levels.set(price, level);
    if (this.best === undefined || this.#isBetter(price, this.#best)) this.#best = price;
  }

  #searched(): number {
    let best = Number.NaN;
    for (const price of this.#levels.keys()) if (Number.isNaN(best) || this.#isBetter(price, best)) best = price;
    return best;
  }
}

/** The best prices of a book that a venue publishes by its changes: a side, a price, and the size there is now. */
export class BestPrices {
  readonly #bids = new BookSide((a, b) => a > b);
  readonly #asks = new BookSide((a, b) => a < b);
  #bid: Level | undefined;
  #ask: Level | undefined;

  /** The best prices after some changes; null where they are as they were, or there is none on one side. @throws Unusable */
  change(changes: readonly Json[]): { readonly bid: Level; readonly ask: Level } | null {
    for (const change of changes) {
      const [which = null, price, size] = list(change);
      const level = { price: checkedDecimal(price, 'price'), size: checkedDecimal(size, 'size') };
      const levels = side(which, 'buy', 'sell') === 'buy' ? this.#bids : this.#asks;
      levels.set(level);
    }
    const [bid, ask] = [this.#bids.best, this.#asks.best];
    const isSame = bid === this.#bid && ask === this.#ask;
    this.#bid = bid;
    this.#ask = ask;
    return isSame || bid === undefined || ask === undefined ? null : { bid, ask };
  }
}
