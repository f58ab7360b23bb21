/**
 * Tells the trades that a run gives for the first time, over all its recordings: a trade whose id was taken before is a repeat. Of
 * those taken, the ids of so many are remembered for each instrument. What has no id is no repeat.
 */
export class TakenTrades {
  readonly #remembered: number;
  readonly #ids = new Map<string, Set<string>>();

  constructor(remembered: number) {
    this.#remembered = remembered;
  }

  /** Whether the trade is new; it is known from then on. */
  take(instrument: string, tradeId: string | null): boolean {
    if (tradeId === null) return true;
    let ids = this.#ids.get(instrument);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(instrument, ids);
    }
    if (ids.has(tradeId)) return false;
    ids.add(tradeId);
    if (ids.size > this.#remembered) removeOldest(ids);
    return true;
  }
}

/** Sets keep the order in which things were added. */
function removeOldest(ids: Set<string>): void {
  for (const oldest of ids) {
    ids.delete(oldest);
    return;
  }
}
