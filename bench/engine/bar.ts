import { ExactSums } from './exactSums.ts';

/** A tick as an object, as a program would have it that has one for each. */
export interface TickObject {
  readonly instrument: string;
  readonly tsMicros: number;
  readonly price: number;
  readonly size: number;
  readonly sequence: number;
  /** Set by the first operator: the watermark in force before the tick, and after it. */
  watermark: number;
  watermarkAfter: number;
  readonly isQuote: boolean;
  /** The quote in force: its price is bid. Null where there is none, or the case has no quotes. */
  quote: TickObject | null;
}

/** A result of the baseline. Volume and notional are whole units. */
export interface BarRow {
  readonly instrument: string;
  readonly interval: string;
  readonly start: number;
  readonly end: number;
  readonly revision: number;
  readonly deleted: boolean;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: bigint;
  readonly notional: bigint;
  readonly vwap: number | null;
  readonly openTime: number;
  readonly openSequence: number;
  readonly closeTime: number;
  readonly closeSequence: number;
  readonly count: number;
  readonly quoted: Quoted | null;
}

/** Of the ticks that have a quote. */
export interface Quoted {
  count: number;
  /** Volume is the sum of what was bid. */
  readonly bids: ExactSums;
}

/** One key's ticks in one window, of the baseline. */
export class Bar {
  readonly instrument: string;
  revision = 0;
  #open: TickObject;
  #close: TickObject;
  #high: number;
  #low: number;
  #count = 1;
  readonly #sums = new ExactSums();
  #quoted: Quoted | null = null;

  constructor(first: TickObject) {
    this.instrument = first.instrument;
    this.#open = first;
    this.#close = first;
    this.#high = first.price;
    this.#low = first.price;
    this.#sums.add(first.price, first.size);
    if (first.quote !== null) this.#addQuote(first.quote);
  }

  add(tick: TickObject): void {
    const { price } = tick;
    if (price > this.#high) this.#high = price;
    else if (price < this.#low) this.#low = price;
    if (isAfter(tick, this.#close)) this.#close = tick;
    else if (isAfter(this.#open, tick)) this.#open = tick;
    this.#sums.add(price, tick.size);
    this.#count++;
    if (tick.quote !== null) this.#addQuote(tick.quote);
  }

  /** Takes in what another bar of the key holds. */
  merge(other: Bar): void {
    this.#high = Math.max(this.#high, other.#high);
    this.#low = Math.min(this.#low, other.#low);
    if (isAfter(other.#close, this.#close)) this.#close = other.#close;
    if (isAfter(this.#open, other.#open)) this.#open = other.#open;
    this.#sums.merge(other.#sums);
    this.#count += other.#count;
  }

  /** The result now; each one has the next revision. */
  fire(interval: string, start: number, end: number, deleted = false): BarRow {
    return {
      instrument: this.instrument,
      interval,
      start,
      end,
      revision: this.revision++,
      deleted,
      open: this.#open.price,
      high: this.#high,
      low: this.#low,
      close: this.#close.price,
      volume: this.#sums.volume,
      notional: this.#sums.notional,
      vwap: this.#sums.vwap,
      openTime: this.#open.tsMicros,
      openSequence: this.#open.sequence,
      closeTime: this.#close.tsMicros,
      closeSequence: this.#close.sequence,
      count: this.#count,
      quoted: this.#quoted,
    };
  }

  #addQuote({ price }: TickObject): void {
    this.#quoted ??= { count: 0, bids: new ExactSums() };
    this.#quoted.count++;
    this.#quoted.bids.add(0, price);
  }
}

function isAfter(tick: TickObject, other: TickObject): boolean {
  if (tick.tsMicros !== other.tsMicros) return tick.tsMicros > other.tsMicros;
  return tick.sequence >= other.sequence;
}
