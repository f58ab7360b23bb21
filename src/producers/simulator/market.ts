import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { randomAt, WALK_BOUND, walkAt } from './noise.ts';

/** What is simulated. Two runs with the same parameters make the same ticks. */
export interface MarketParameters {
  readonly seed: number;
  /** Instruments, `sim:SYM0001` on; the first are traded most. */
  readonly symbols: number;
  /** Ticks a second of event time, all instruments together. */
  readonly ticksPerSecond: number;
  /** How many times as fast as on average ticks come during a burst; 1 for none. */
  readonly burst: number;
  /** Ticks come out of order by at most this. */
  readonly disorderMs: number;
  /** Share of ticks that come later than `lateAfterMs`; a quarter of them later than `tooLateAfterMs` besides. */
  readonly lateFraction: number;
  readonly lateAfterMs: number;
  readonly tooLateAfterMs: number;
  /** Share of ticks that repeat an earlier one. */
  readonly duplicateFraction: number;
}

/** Where the simulated clock stands at a tick: a run that goes on later may set it anew. */
export interface MarketClock {
  readonly fromTick: number;
  /** When that tick arrives, epoch microseconds. */
  readonly startMicros: number;
}

const MICROS_PER_SECOND = 1_000_000;
/** Each cycle of ticks has one burst, at a random place. */
const CYCLE_TICKS = 1_000;
const BURST_TICKS = 200;
/** A duplicate comes at most so many ticks after the tick that it repeats. */
const DUPLICATE_DISTANCE = 100;
const TOO_LATE_SHARE = 0.25;
const CENTS = 100;
const LOWEST_CENTS = 1_000 + WALK_BOUND;
const CENTS_RANGE = 50_000;
const SIZE_UNITS = 1_000;
const LARGEST_SIZE = 5_000;

/** One stream of random numbers for each thing that is drawn. */
const STREAM = {
  symbol: 1,
  delay: 2,
  late: 3,
  lateness: 4,
  size: 5,
  side: 6,
  duplicate: 7,
  distance: 8,
  burst: 9,
  base: 10,
};
/** Walks have streams from here on, one an instrument. */
const FIRST_WALK_STREAM = 1_000;

const BUY = 0;
const SELL = 1;

/** The fields that are filled; the others are null. */
interface TickFields {
  readonly instrument: number;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly side: number;
  readonly sequence: number;
  readonly tradeId: number;
  readonly receiveTime: number;
}

/** Makes ticks by number. Tick n is a pure function of the parameters and n, so a run can begin at any of them. */
export class Market {
  readonly #parameters: MarketParameters;
  readonly #names: readonly Uint8Array[];
  readonly #digits = new Uint8Array(16);

  constructor(parameters: MarketParameters) {
    this.#parameters = parameters;
    const utf8 = new TextEncoder();
    this.#names = Array.from({ length: parameters.symbols }, (_, symbol) =>
      utf8.encode(`sim:SYM${String(symbol + 1).padStart(4, '0')}`),
    );
  }

  /** When tick n arrives, in microseconds after tick 0. It never goes back. */
  arrivalMicros(n: number): number {
    const { ticksPerSecond, burst, seed } = this.#parameters;
    const interval = MICROS_PER_SECOND / ticksPerSecond;
    const cycle = Math.floor(n / CYCLE_TICKS);
    const inCycle = n - cycle * CYCLE_TICKS;
    const burstStart = Math.floor(randomAt(seed, cycle, STREAM.burst) * (CYCLE_TICKS - BURST_TICKS));
    const inBurst = Math.min(Math.max(inCycle - burstStart, 0), BURST_TICKS);
    const burstInterval = interval / burst;
    const calmInterval = (CYCLE_TICKS * interval - BURST_TICKS * burstInterval) / (CYCLE_TICKS - BURST_TICKS);
    return cycle * CYCLE_TICKS * interval + inBurst * burstInterval + (inCycle - inBurst) * calmInterval;
  }

  /** Adds ticks [from, to) to a builder of the tick schema. */
  fill(builder: ColumnsBuilder, fields: TickFields, from: number, to: number, clock: MarketClock): void {
    for (let n = from; n < to; n++) this.#add(builder, fields, this.#original(n), clock);
  }

  /** The tick that tick n is a copy of, or n itself. */
  #original(n: number): number {
    const { seed, duplicateFraction } = this.#parameters;
    let original = n;
    while (original > 0 && randomAt(seed, original, STREAM.duplicate) < duplicateFraction) {
      original = Math.max(0, original - 1 - Math.floor(randomAt(seed, original, STREAM.distance) * DUPLICATE_DISTANCE));
    }
    return original;
  }

  #add(builder: ColumnsBuilder, fields: TickFields, n: number, { fromTick, startMicros }: MarketClock): void {
    const { seed, symbols } = this.#parameters;
    const skewed = randomAt(seed, n, STREAM.symbol) ** 2;
    const symbol = Math.floor(skewed * symbols);
    const name = this.#names[symbol] as Uint8Array;
    const arrival = Math.floor(startMicros + this.arrivalMicros(n) - this.arrivalMicros(fromTick));
    const largeness = randomAt(seed, n, STREAM.size) ** 4;
    builder.setBytes(fields.instrument, name, 0, name.length);
    builder.setNumber(fields.eventTime, arrival - this.#delayMicros(n));
    builder.setNumber(fields.price, this.#cents(symbol, n) / CENTS);
    builder.setNumber(fields.size, (1 + Math.floor(largeness * LARGEST_SIZE)) / SIZE_UNITS);
    builder.setCode(fields.side, randomAt(seed, n, STREAM.side) < 0.5 ? BUY : SELL);
    builder.setNumber(fields.sequence, n);
    this.#setDigits(builder, fields.tradeId, n);
    builder.setNumber(fields.receiveTime, arrival);
    builder.endRow();
  }

  #cents(symbol: number, n: number): number {
    const { seed } = this.#parameters;
    const base = LOWEST_CENTS + randomAt(seed, symbol, STREAM.base) * CENTS_RANGE;
    return Math.round(base + walkAt(seed, n, FIRST_WALK_STREAM + symbol));
  }

  #delayMicros(n: number): number {
    const { seed, disorderMs, lateFraction, lateAfterMs, tooLateAfterMs } = this.#parameters;
    if (lateFraction > 0 && randomAt(seed, n, STREAM.late) < lateFraction) {
      const lateness = randomAt(seed, n, STREAM.lateness);
      if (lateness < TOO_LATE_SHARE) return Math.floor(tooLateAfterMs * 1_000 * (1 + lateness / TOO_LATE_SHARE));
      const within = (lateness - TOO_LATE_SHARE) / (1 - TOO_LATE_SHARE);
      return Math.floor((lateAfterMs + (tooLateAfterMs - lateAfterMs) * within) * 1_000);
    }
    // The least of three even numbers: mostly small, at most 1.
    const place = 3 * n;
    const a = randomAt(seed, place, STREAM.delay);
    const b = randomAt(seed, place + 1, STREAM.delay);
    const c = randomAt(seed, place + 2, STREAM.delay);
    return Math.floor(Math.min(a, b, c) * disorderMs * 1_000);
  }

  #setDigits(builder: ColumnsBuilder, field: number, n: number): void {
    let at = this.#digits.length;
    let rest = n;
    do {
      const tenth = Math.floor(rest / 10);
      this.#digits[--at] = 48 + rest - tenth * 10;
      rest = tenth;
    } while (rest > 0);
    builder.setBytes(field, this.#digits, at, this.#digits.length);
  }
}

/** Where the ticks' fields are in a builder of the tick schema. */
export function tickFields(builder: ColumnsBuilder): TickFields {
  const at = (name: keyof TickFields): number => builder.fieldIndex(name);
  return {
    instrument: at('instrument'),
    eventTime: at('eventTime'),
    price: at('price'),
    size: at('size'),
    side: at('side'),
    sequence: at('sequence'),
    tradeId: at('tradeId'),
    receiveTime: at('receiveTime'),
  };
}
