import type { VenueTrade } from '../venues/venue.ts';

/** What is known of a symbol's trades. */
interface Known {
  /** Of the latest trades, in the order that they were taken. */
  readonly ids: Set<string>;
  latestMicros: number;
}

/**
 * Tells the trades that a recording gives for the first time. A trade whose id was taken before is a repeat; ids are remembered for so
 * many trades of a symbol. An old trade, from before its subscription, is taken only where it fell between two connections: after
 * a trade of its symbol was taken, and not earlier than the latest of them. What happened before the recording began is not in it.
 */
export class NewTrades {
  readonly #remembered: number;
  readonly #symbols = new Map<string, Known>();

  constructor(remembered: number) {
    this.#remembered = remembered;
  }

  /** Whether the trade is new; it is known from then on. Old trades are to come by rising time. */
  take({ symbol, tradeId, eventMicros, isOld }: VenueTrade): boolean {
    let known = this.#symbols.get(symbol);
    if (tradeId !== null && known?.ids.has(tradeId) === true) return false;
    if (isOld && (known === undefined || eventMicros < known.latestMicros)) return false;
    if (known === undefined) {
      known = { ids: new Set(), latestMicros: eventMicros };
      this.#symbols.set(symbol, known);
    }
    known.latestMicros = Math.max(known.latestMicros, eventMicros);
    if (tradeId !== null) this.#remember(known.ids, tradeId);
    return true;
  }

  #remember(ids: Set<string>, id: string): void {
    ids.add(id);
    if (ids.size <= this.#remembered) return;
    // Sets keep the order in which things were added.
    for (const oldest of ids) {
      ids.delete(oldest);
      return;
    }
  }
}
