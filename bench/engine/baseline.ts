import { map, Observable, type OperatorFunction, Subject } from 'rxjs';
import type { BarRow, TickObject } from './bar.ts';
import { asOf, BaselineMerge } from './baselineAsOf.ts';
import { BaselineGrid } from './baselineGrid.ts';
import { BaselineSessions } from './baselineSessions.ts';
import { BaselineSliding } from './baselineSliding.ts';
import type { Case, CaseWindow } from './cases.ts';
import type { Contender } from './contender.ts';
import { notionalText, volumeText } from './exactSums.ts';
import { type Outcome, OutcomeSum } from './outcome.ts';
import { CHUNK_RECORDS, type Ticks, type Work } from './workload.ts';

const MICROS_PER_MS = 1_000;

/** The same job as one would write it with RxJS and without Tidemark: an object a tick, a `Map` of bars for each window. */
export class Baseline implements Contender {
  readonly chunks: number;
  readonly #work: Work;
  readonly #merge: BaselineMerge;
  readonly #source = new Subject<TickObject>();
  readonly #sum = new OutcomeSum();
  /** Ticks, and quotes. */
  #prepared = new Map<number, readonly [TickObject[], TickObject[]]>();
  #rows: BarRow[] = [];

  constructor({ windows, outOfOrdernessMs, allowedLatenessMs, maxQuoteAgeMs }: Case, work: Work) {
    this.#work = work;
    this.chunks = Math.ceil(work.ticks.count / CHUNK_RECORDS);
    const outOfOrdernessMicros = outOfOrdernessMs * MICROS_PER_MS;
    const onLate = () => this.#sum.late++;
    const steps =
      maxQuoteAgeMs === null ? withWatermark(outOfOrdernessMicros) : asOf(maxQuoteAgeMs * MICROS_PER_MS, onLate);
    this.#source
      .pipe(steps, bars(windows, allowedLatenessMs * MICROS_PER_MS, onLate))
      .subscribe((row) => this.#rows.push(row));
    this.#merge = new BaselineMerge(outOfOrdernessMicros, (one) => this.#source.next(one));
  }

  get outcome(): Outcome {
    return this.#sum.outcome;
  }

  /** The objects are made before the clock starts. */
  prepare(chunk: number): void {
    const { ticks, quotes } = this.#work;
    const quoteObjects = quotes === null ? [] : objectsOf(quotes, chunk, true);
    this.#prepared.set(chunk, [objectsOf(ticks, chunk, false), quoteObjects]);
  }

  push(chunk: number): boolean {
    const [ticks, quotes] = this.#prepared.get(chunk) ?? [[], []];
    if (this.#work.quotes === null) {
      for (const tick of ticks) this.#source.next(tick);
    } else {
      this.#merge.add(ticks, quotes);
      this.#merge.run(chunk === this.chunks - 1);
    }
    return false;
  }

  resume(): boolean {
    return false;
  }

  fold(withTexts: boolean): void {
    this.#sum.rows += this.#rows.length;
    for (const row of this.#rows) {
      this.#sum.ticks += row.count;
      if (withTexts) this.#sum.addText(rowText(row, this.#work.quotes !== null));
    }
    this.#rows = [];
    this.#prepared.clear();
  }
}

function objectsOf(ticks: Ticks, chunk: number, isQuote: boolean): TickObject[] {
  const { instruments, instrument, timesMicros, price, size, sequence } = ticks;
  const first = chunk * CHUNK_RECORDS;
  const length = Math.min(CHUNK_RECORDS, ticks.count - first);
  return Array.from({ length }, (_, at): TickObject => {
    const i = first + at;
    return {
      instrument: instruments[instrument[i] as number] as string,
      tsMicros: timesMicros[i] as number,
      price: price[i] as number,
      size: size[i] as number,
      sequence: sequence[i] as number,
      watermark: Number.NEGATIVE_INFINITY,
      watermarkAfter: Number.NEGATIVE_INFINITY,
      isQuote,
      quote: null,
    };
  });
}

/** Gives each tick the watermark in force before it, and after it. */
function withWatermark(outOfOrdernessMicros: number): OperatorFunction<TickObject, TickObject> {
  let watermark = Number.NEGATIVE_INFINITY;
  return map((tick) => {
    tick.watermark = watermark;
    watermark = Math.max(watermark, tick.tsMicros - outOfOrdernessMicros - 1);
    tick.watermarkAfter = watermark;
    return tick;
  });
}

function bars(
  definitions: readonly CaseWindow[],
  latenessMicros: number,
  onLate: () => void,
): OperatorFunction<TickObject, BarRow> {
  return (source) =>
    new Observable((subscriber) => {
      const emit = (row: BarRow) => subscriber.next(row);
      const windows = definitions.map((definition) => windowsOf(definition, latenessMicros, emit));
      return source.subscribe({
        next: (tick) => {
          for (const one of windows) if (!one.add(tick)) onLate();
          for (const one of windows) if (one.nextInstant <= tick.watermarkAfter) one.advance(tick.watermarkAfter);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

function windowsOf(definition: CaseWindow, latenessMicros: number, emit: (row: BarRow) => void) {
  if (definition.kind === 'session') return new BaselineSessions(definition, latenessMicros, emit);
  if (definition.kind === 'sliding') return new BaselineSliding(definition, latenessMicros, emit);
  return new BaselineGrid(definition, latenessMicros, emit);
}

/** As the engine's row reads: the fields in the order of its schema. */
function rowText(row: BarRow, hasQuotes: boolean): string {
  const { instrument, interval, start, end, revision, deleted, open, high, low, close, vwap, count } = row;
  const { openTime, openSequence, closeTime, closeSequence, quoted } = row;
  const prices = [open, high, low, close, volumeText(row.volume), notionalText(row.notional), vwap];
  const places = [openTime, openSequence, closeTime, closeSequence, count];
  const bids = quoted === null ? null : volumeText(quoted.bids.volume);
  const quotes = hasQuotes ? [quoted?.count ?? 0, String(bids)] : [];
  return [instrument, interval, start, end, revision, true, deleted, ...prices, ...places, ...quotes].join(' ');
}
