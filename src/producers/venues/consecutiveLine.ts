import type { Lost, Missing, ReceivedTrade, TradeLine } from './tradeLine.ts';

/** The last trade that has gone through a place. */
interface Mark {
  readonly id: number;
  readonly micros: number;
}

/** A line of trades whose ids rise by one: each missing one shows. */
export class ConsecutiveLine implements TradeLine {
  readonly #maxHeld: number;
  /** Beyond a gap, by id. */
  readonly #held = new Map<number, ReceivedTrade>();
  #ready: ReceivedTrade[] = [];
  /** The last that was ready; before it, all have been. */
  #last: Mark | null;
  #taken: Mark | null;
  /** A line begins with the first trade that happens while it is watched: older ones only say where that is. */
  #hasBegun: boolean;
  /** The highest id that the venue has shown. */
  #highest: number;

  constructor(maxHeld: number, state: string | null) {
    this.#maxHeld = maxHeld;
    this.#taken = state === null ? null : markOf(state);
    this.#last = this.#taken;
    this.#hasBegun = state !== null;
    this.#highest = this.#last?.id ?? 0;
  }

  get ready(): number {
    return this.#ready.length;
  }

  get state(): string | null {
    return this.#taken === null ? null : `${this.#taken.id} ${this.#taken.micros}`;
  }

  get takenMicros(): number | null {
    return this.#taken?.micros ?? null;
  }

  offer(trade: ReceivedTrade): void {
    const id = Number(trade.tradeId);
    this.#highest = Math.max(this.#highest, id);
    if (!this.#hasBegun && trade.isOld) {
      this.#last = { id: this.#highest, micros: trade.eventMicros };
      return;
    }
    this.#hasBegun = true;
    const next = this.#last === null ? id : this.#last.id + 1;
    if (id < next) return;
    if (id > next) {
      if (this.#held.size < this.#maxHeld) this.#held.set(id, trade);
      return;
    }
    this.#release(id, trade);
    this.#releaseHeld();
  }

  latest(tradeId: string): void {
    const id = Number(tradeId);
    if (this.#last !== null && Number.isSafeInteger(id)) this.#highest = Math.max(this.#highest, id);
  }

  /** A lost trade shows by its id. */
  doubt(): void {}

  missing(): Missing | null {
    if (this.#last === null || this.#last.id >= this.#highest) return null;
    const { id, micros } = this.#last;
    return { afterId: String(id), untilId: String(this.#gapEnd()), fromMicros: micros, doubts: 0 };
  }

  fill(_: Missing, trades: readonly ReceivedTrade[]): boolean {
    const before = this.#last?.id;
    for (const trade of trades.toSorted((a, b) => Number(a.tradeId) - Number(b.tradeId))) this.offer(trade);
    return this.#last?.id !== before;
  }

  giveUp(): Lost | null {
    if (this.#last === null || this.missing() === null) return null;
    const first = this.#last.id + 1;
    const end = this.#gapEnd();
    this.#last = { id: end, micros: this.#last.micros };
    this.#releaseHeld();
    return { detail: `trades ${first} to ${end} are not in the venue's history` };
  }

  /** The last trade of the first gap. */
  #gapEnd(): number {
    let end = this.#highest;
    for (const id of this.#held.keys()) end = Math.min(end, id - 1);
    return end;
  }

  take(most: number): readonly ReceivedTrade[] {
    const taken = this.#ready.slice(0, most);
    this.#ready = this.#ready.slice(most);
    const last = taken.at(-1);
    if (last !== undefined) this.#taken = { id: Number(last.tradeId), micros: last.eventMicros };
    return taken;
  }

  #release(id: number, trade: ReceivedTrade): void {
    this.#last = { id, micros: trade.eventMicros };
    this.#ready.push(trade);
  }

  #releaseHeld(): void {
    while (this.#last !== null) {
      const id: number = this.#last.id + 1;
      const trade = this.#held.get(id);
      if (trade === undefined) return;
      this.#held.delete(id);
      this.#release(id, trade);
    }
  }
}

function markOf(state: string): Mark {
  const [id, micros] = state.split(' ');
  return { id: Number(id), micros: Number(micros) };
}
