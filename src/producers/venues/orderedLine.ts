import { createHash } from 'node:crypto';
import { formatIsoMicros } from '../../core/time.ts';
import type { Lost, Missing, ReceivedTrade, TradeLine } from './tradeLine.ts';

/** Of a trade's name, which is a digest. */
const NAME_CHARACTERS = 8;
/** Names in a state. Of more trades at one instant, the first could come again after a restart just there. */
const MAX_NAMES = 300;
/** By which repeats are known: at least so many trades back. */
const MAX_RECENT_NAMES = 50_000;

/** A trade and its place among the symbol's. */
interface Placed {
  readonly trade: ReceivedTrade;
  readonly order: bigint;
  /** Tells trades of the same order apart. */
  readonly name: string;
}

/**
 * A line of trades whose ids do not say whether one is missing: they rise with gaps, or have no order, and then time orders
 * them. Whatever comes after frames may have been lost is held until the venue's history has been asked.
 */
export class OrderedLine implements TradeLine {
  readonly #risingIds: boolean;
  readonly #maxHeld: number;
  readonly #recent: RecentNames;
  #ready: Placed[] = [];
  #held: Placed[] = [];
  /** After what was ready. */
  #last: Mark | null;
  #taken: Mark | null;
  /** A line begins with the first trade that happens while it is watched: older ones only say where that is. */
  #hasBegun: boolean;
  #isInDoubt: boolean;
  #doubts = 0;
  /** Trades were let go for which there was no room. */
  #isCut = false;

  /** @param risingIds whether ids order the trades; otherwise time does */
  constructor(risingIds: boolean, maxHeld: number, state: string | null) {
    this.#risingIds = risingIds;
    this.#maxHeld = maxHeld;
    this.#taken = state === null ? null : Mark.parse(state);
    this.#last = this.#taken?.copy() ?? null;
    this.#hasBegun = state !== null;
    this.#isInDoubt = state !== null;
    this.#recent = new RecentNames(this.#last?.names ?? []);
  }

  get ready(): number {
    return this.#ready.length;
  }

  get state(): string | null {
    return this.#taken?.toString() ?? null;
  }

  get takenMicros(): number | null {
    return this.#taken?.micros ?? null;
  }

  offer(trade: ReceivedTrade): void {
    const placed = this.#place(trade);
    this.#last ??= new Mark(placed.order, trade.eventMicros, []);
    if (!this.#hasBegun) {
      if (trade.isOld) {
        this.#last.pass(placed);
        this.#recent.add(placed.name);
        return;
      }
      this.#hasBegun = true;
      this.#taken = this.#last.copy();
    }
    if (this.#hasCome(placed)) return;
    if (!this.#isInDoubt) this.#release(placed);
    else if (this.#held.length < this.#maxHeld) this.#held.push(placed);
    else this.#isCut = true;
  }

  latest(): void {}

  doubt(): void {
    this.#isInDoubt = this.#hasBegun;
    this.#doubts++;
  }

  missing(): Missing | null {
    if (this.#last === null || !this.#isInDoubt) return null;
    const afterId = this.#risingIds ? this.#last.order.toString() : null;
    return { afterId, untilId: null, fromMicros: this.#last.micros, doubts: this.#doubts };
  }

  fill({ doubts }: Missing, trades: readonly ReceivedTrade[], isEnd: boolean): boolean {
    const found = trades.map((trade) => this.#place(trade)).filter((placed) => !this.#hasCome(placed));
    const highest = found.reduce<bigint | null>((max, { order }) => (max === null || order > max ? order : max), null);
    // What was lost since it was asked for may be before what is held, and not in the answer; also at the same instant.
    const isWhole = isEnd && doubts === this.#doubts;
    const isNext = ({ order }: Placed): boolean => isWhole || (highest !== null && order < highest);
    const next = [...found, ...this.#held.filter(isNext)].sort((a, b) => Number(a.order - b.order));
    this.#held = this.#held.filter((placed) => !isNext(placed));
    for (const placed of next) if (!this.#recent.has(placed.name)) this.#release(placed);
    if (isWhole) {
      this.#isInDoubt = this.#isCut;
      this.#isCut = false;
    }
    return isEnd || found.length > 0;
  }

  giveUp(): Lost | null {
    const missing = this.missing();
    if (missing === null) return null;
    this.fill(missing, [], true);
    const from = missing.afterId === null ? formatIsoMicros(missing.fromMicros) : `trade ${missing.afterId}`;
    return { detail: `trades after ${from} may be missing: the venue's history does not have them all` };
  }

  take(most: number): readonly ReceivedTrade[] {
    const taken = this.#ready.slice(0, most);
    this.#ready = this.#ready.slice(most);
    for (const placed of taken) this.#taken?.pass(placed);
    return taken.map(({ trade }) => trade);
  }

  /** Where frames may have been lost, the venue may be at the beginning again, and only the order tells what has come. */
  #hasCome(placed: Placed): boolean {
    if (this.#recent.has(placed.name)) return true;
    return (this.#risingIds || this.#isInDoubt) && this.#last !== null && placed.order < this.#last.order;
  }

  #release(placed: Placed): void {
    this.#last?.pass(placed);
    this.#recent.add(placed.name);
    this.#ready.push(placed);
  }

  #place(trade: ReceivedTrade): Placed {
    const { tradeId, eventMicros, price, size, side } = trade;
    const text = tradeId ?? `${eventMicros} ${price} ${size} ${side}`;
    const name = createHash('sha256').update(text).digest('base64url').slice(0, NAME_CHARACTERS);
    return { trade, order: BigInt(this.#risingIds ? (tradeId ?? 0) : eventMicros), name };
  }
}

/** How far a line has come: up to an order, and with which trades of that order. */
class Mark {
  #order: bigint;
  #micros: number;
  readonly #names: Set<string>;

  constructor(order: bigint, micros: number, names: Iterable<string>) {
    this.#order = order;
    this.#micros = micros;
    this.#names = new Set(names);
  }

  get order(): bigint {
    return this.#order;
  }

  get micros(): number {
    return this.#micros;
  }

  get names(): Iterable<string> {
    return this.#names;
  }

  copy(): Mark {
    return new Mark(this.#order, this.#micros, this.#names);
  }

  pass({ order, name, trade }: Placed): void {
    if (order < this.#order) return;
    if (order > this.#order) {
      this.#order = order;
      this.#micros = trade.eventMicros;
      this.#names.clear();
    }
    this.#names.add(name);
  }

  toString(): string {
    return [this.#order, this.#micros, ...[...this.#names].slice(-MAX_NAMES)].join(' ');
  }

  static parse(text: string): Mark {
    const [order = '0', micros, ...names] = text.split(' ');
    return new Mark(BigInt(order), Number(micros), names);
  }
}

/** The latest names, two generations of them. */
class RecentNames {
  #young: Set<string>;
  #old: ReadonlySet<string> = new Set();

  constructor(names: Iterable<string>) {
    this.#young = new Set(names);
  }

  has(name: string): boolean {
    return this.#young.has(name) || this.#old.has(name);
  }

  add(name: string): void {
    if (this.#young.size >= MAX_RECENT_NAMES) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(name);
  }
}
