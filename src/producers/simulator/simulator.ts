import { createHash } from 'node:crypto';
import { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { DeadLetters } from '../deadLetters.ts';
import { TICK } from '../schemas.ts';
import type { BatchOptions, PartPosition, Source, SourceBatch, SourcePart, SourceTarget } from '../source.ts';
import { Market, type MarketClock, type MarketParameters, tickFields } from './market.ts';

const PREVIEW_TICKS = 1_000;
const NO_DEAD_LETTERS = new DeadLetters();

export interface SimulatorOptions {
  readonly market: MarketParameters;
  readonly topic: string;
  /** Ticks arrive at the pace of the clock; otherwise as fast as they are written. */
  readonly paced: boolean;
  /**
   * When tick 0 arrives, epoch microseconds. Null goes by the clock: now, and when a later run goes on, at the time it does;
   * unpaced, so that the last tick of `count` arrives now.
   */
  readonly startMicros: number | null;
  /** Ticks in all, those of earlier runs included. */
  readonly count: number;
  /** How long this run takes at most. */
  readonly maxRunMs: number;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A simulated market as a source: position n is before tick n. */
export class Simulator implements Source {
  readonly targets: readonly SourceTarget[];
  readonly parts: readonly SourcePart[];
  readonly #target: SourceTarget;
  readonly #options: SimulatorOptions;
  readonly #market: Market;
  readonly #builder = new ColumnsBuilder(TICK, 16_384);
  readonly #fields = tickFields(this.#builder);

  constructor(options: SimulatorOptions) {
    const { market, startMicros, topic } = options;
    this.#options = options;
    this.#market = new Market(market);
    this.#target = { topic, schema: TICK };
    this.targets = [this.#target];
    const meaning = JSON.stringify([Object.entries(market).sort(), startMicros]);
    const id = createHash('sha256').update(meaning).digest('hex').slice(0, 32);
    this.parts = [{ id: `simulator.${id}`, topic, label: `simulation of seed ${market.seed}` }];
  }

  async *batches({ from, bounds, now, signal }: BatchOptions): AsyncGenerator<SourceBatch> {
    const { count, paced, maxRunMs, wait } = this.#options;
    const first = from[0]?.offset ?? 0;
    const clock = this.#clock(from[0] ?? null, now());
    const state = JSON.stringify(clock);
    const beganMs = now();
    const arrivedBefore = this.#market.arrivalMicros(first);
    for (let n = first; n < count && !signal.aborted; ) {
      const runMs = now() - beganMs;
      if (runMs >= maxRunMs) return;
      const end = Math.min(count, n + bounds.maxRecords);
      const to = paced ? this.#dueBefore(n, end, arrivedBefore + runMs * MICROS_PER_MS) : end;
      if (to > n) {
        this.#market.fill(this.#builder, this.#fields, n, to, clock);
        n = to;
        yield {
          outputs: [{ target: this.#target, columns: this.#builder.finish() }],
          deadLetters: NO_DEAD_LETTERS.finish(),
          positions: new Map([[0, { offset: n, isDone: false, state }]]),
        };
      }
      if (paced && to < end) await wait(Math.min(bounds.maxMs, maxRunMs - runMs), signal);
    }
  }

  /** The first ticks, without those that are late on purpose. */
  async *preview({ from, now }: Omit<BatchOptions, 'bounds'>): AsyncGenerator<SourceBatch['outputs']> {
    if (from[0]?.isDone === true) return;
    const onTime = new Market({ ...this.#options.market, lateFraction: 0 });
    const clock = this.#clock(null, now());
    onTime.fill(this.#builder, this.#fields, 0, Math.min(PREVIEW_TICKS, this.#options.count), clock);
    yield [{ target: this.#target, columns: this.#builder.finish() }];
  }

  #clock(from: PartPosition | null, nowMs: number): MarketClock {
    const { startMicros, paced, count } = this.#options;
    if (startMicros !== null) return { fromTick: 0, startMicros };
    const nowMicros = nowMs * MICROS_PER_MS;
    if (paced) return { fromTick: from?.offset ?? 0, startMicros: nowMicros };
    if (from?.state !== undefined) return JSON.parse(from.state) as MarketClock;
    return { fromTick: count, startMicros: nowMicros };
  }

  /** The first tick from `n` to `end` that has not arrived. */
  #dueBefore(n: number, end: number, arrivedMicros: number): number {
    let low = n;
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#market.arrivalMicros(middle) <= arrivedMicros) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
