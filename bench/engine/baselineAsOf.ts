import { Observable, type OperatorFunction } from 'rxjs';
import type { TickObject } from './bar.ts';

/** Ticks wait for the watermark, and are looked at once it has moved on by so much: what comes out is the same. */
const RELEASE_EVERY_MICROS = 50_000;

/** Ticks and quotes in one order: first comes the one that leaves the lowest watermark of its own. */
export class BaselineMerge {
  readonly #delayMicros: number;
  readonly #emit: (one: TickObject) => void;
  readonly #queues: readonly [TickObject[], TickObject[]] = [[], []];
  readonly #next: [number, number] = [0, 0];
  readonly #watermarks: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];

  constructor(outOfOrdernessMicros: number, emit: (one: TickObject) => void) {
    this.#delayMicros = outOfOrdernessMicros + 1;
    this.#emit = emit;
  }

  add(ticks: readonly TickObject[], quotes: readonly TickObject[]): void {
    for (const [side, more] of [ticks, quotes].entries()) {
      this.#queues[side as 0 | 1].splice(0, this.#next[side as 0 | 1]);
      this.#next[side as 0 | 1] = 0;
      for (const one of more) this.#queues[side as 0 | 1].push(one);
    }
  }

  /** Emits as long as there is one of each; at the end, all. */
  run(isEnd: boolean): void {
    const [ticks, quotes] = this.#queues;
    for (;;) {
      const tick = ticks[this.#next[0]];
      const quote = quotes[this.#next[1]];
      if (tick === undefined || quote === undefined) {
        if (!isEnd || (tick === undefined && quote === undefined)) return;
        this.#watermarks[tick === undefined ? 0 : 1] = Number.POSITIVE_INFINITY;
        this.#take(tick === undefined ? 1 : 0, tick ?? (quote as TickObject));
      } else {
        this.#take(this.#leaves(0, tick) <= this.#leaves(1, quote) ? 0 : 1, tick, quote);
      }
    }
  }

  #take(side: 0 | 1, tick: TickObject, quote = tick): void {
    const one = side === 0 ? tick : quote;
    one.watermark = Math.min(...this.#watermarks);
    this.#watermarks[side] = this.#leaves(side, one);
    one.watermarkAfter = Math.min(...this.#watermarks);
    this.#next[side]++;
    this.#emit(one);
  }

  #leaves(side: 0 | 1, { tsMicros }: TickObject): number {
    return Math.max(this.#watermarks[side], tsMicros - this.#delayMicros);
  }
}

/** Gives each tick the quote of its instrument that is in force, and lets ticks out by event time. */
export function asOf(maxAgeMicros: number, onLate: () => void): OperatorFunction<TickObject, TickObject> {
  return (source) =>
    new Observable((subscriber) => {
      const inForce = new Map<string, TickObject>();
      let ticks: TickObject[] = [];
      let quotes: TickObject[] = [];
      let released = Number.NEGATIVE_INFINITY;
      const release = (watermark: number): void => {
        const isReady = ({ tsMicros }: TickObject) => tsMicros <= watermark;
        const readyTicks = ticks.filter(isReady).sort((a, b) => a.tsMicros - b.tsMicros);
        const readyQuotes = quotes.filter(isReady).sort((a, b) => a.tsMicros - b.tsMicros);
        ticks = ticks.filter((tick) => !isReady(tick));
        quotes = quotes.filter((quote) => !isReady(quote));
        let next = 0;
        const putInForce = (quote: TickObject) => {
          inForce.set(quote.instrument, quote);
          next++;
        };
        for (const [i, tick] of readyTicks.entries()) {
          for (let quote = readyQuotes[next]; quote !== undefined && quote.tsMicros <= tick.tsMicros; ) {
            putInForce(quote);
            quote = readyQuotes[next];
          }
          const quote = inForce.get(tick.instrument);
          tick.quote = quote !== undefined && tick.tsMicros - quote.tsMicros <= maxAgeMicros ? quote : null;
          tick.watermark = released;
          tick.watermarkAfter = i === readyTicks.length - 1 ? watermark : tick.tsMicros - 1;
          subscriber.next(tick);
        }
        for (const quote of readyQuotes.slice(next)) putInForce(quote);
        released = watermark;
      };
      return source.subscribe({
        next: (one) => {
          if (one.tsMicros <= one.watermark) onLate();
          else if (one.isQuote) quotes.push(one);
          else ticks.push(one);
          if (one.watermarkAfter >= released + RELEASE_EVERY_MICROS) release(one.watermarkAfter);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}
