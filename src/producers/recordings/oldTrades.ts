import type { VenueTrade } from '../venues/venue.ts';

/**
 * Tells the trades that a recording has no claim to. An old trade, from before its subscription, counts only where it fell between two
 * connections: after a trade of its symbol, and not earlier than the latest of them. What happened before the recording began is
 * not in it.
 */
export class OldTrades {
  /** Of each symbol's trades, epoch microseconds. */
  readonly #latestMicros = new Map<string, number>();

  /** Whether the trade is older than the recording. Old trades are to come by rising time. */
  has({ symbol, eventMicros, isOld }: VenueTrade): boolean {
    const latest = this.#latestMicros.get(symbol);
    if (isOld && (latest === undefined || eventMicros < latest)) return true;
    this.#latestMicros.set(symbol, Math.max(latest ?? eventMicros, eventMicros));
    return false;
  }
}
