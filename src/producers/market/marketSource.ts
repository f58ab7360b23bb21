import { createHash } from 'node:crypto';
import { RowWriter } from '../../core/avro/rowWriter.ts';
import { TidemarkError } from '../../errors.ts';
import { DeadLetters } from '../deadLetters.ts';
import { QUOTE, SOURCE_BAR } from '../schemas.ts';
import type {
  BatchBounds,
  BatchOptions,
  PartPosition,
  Source,
  SourceBatch,
  SourcePart,
  SourceTarget,
} from '../source.ts';
import type { BarLedger, RevisedBar } from './barLedger.ts';
import type { MarketClient, MarketRequest } from './client.ts';
import type { MarketResponse, MarketRows, PublishedQuote, ResponseFault } from './response.ts';

const QUOTES: SourceTarget = { topic: 'quotes', schema: QUOTE };

/** One thing that a vendor is asked for, again and again. */
export interface MarketSeries {
  /** For messages and for the committed position: `yahoo AAPL 1d`. Names the series for ever. */
  readonly label: string;
  readonly kind: 'bars' | 'quotes';
  /** Of its bars: 1m, 1d; `quote` of quotes. */
  readonly interval: string;
  /** Whose bars may come of it. */
  readonly instruments: readonly string[];
  readonly request: MarketRequest;
  readonly parse: (response: MarketResponse) => MarketRows;
  /**
   * Epoch microseconds from which on no bars are added: after an answer that came later, all of whose bars are settled, it is done,
   * and never asked for again. Null for one that goes on.
   */
  readonly endsMicros: number | null;
}

export interface MarketSourceOptions {
  /** As it is in the records. */
  readonly vendor: string;
  readonly series: readonly MarketSeries[];
  /** Where bars go. */
  readonly barsTopic: string;
  readonly client: Pick<MarketClient, 'ask'>;
  /** What was published before of some instruments; opened once no other run can publish any more. */
  readonly openLedger: (instruments: readonly string[]) => Promise<BarLedger>;
  /** From the beginning of one round to that of the next; null for one round. */
  readonly everyMs: number | null;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A series could not be had in this round. */
  readonly onFailure: (label: string, error: TidemarkError) => void;
  /** So many of the series that a round asks for have been asked for, and what they gave is committed; also at its beginning. */
  readonly onAsked?: (asked: number, of: number) => void;
}

/** What is committed with a series' rows, so that the same quotes and faults are not written again. */
interface SeriesState {
  /** Digests of the latest quotes, by instrument. */
  readonly quotes: Readonly<Record<string, string>>;
  /** Digest of the latest answer's faults. */
  readonly faults: string;
}

const NO_STATE: SeriesState = { quotes: {}, faults: '' };

/** What an answer says that is new. */
interface News {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly faults: readonly ResponseFault[];
  readonly state: SeriesState;
  /** There is nothing more to come. */
  readonly isDone: boolean;
}

/** The parts of a source of these series. */
export function marketParts(vendor: string, series: readonly MarketSeries[], barsTopic: string): readonly SourcePart[] {
  return series.map(({ label, kind }) => {
    return { id: `${vendor}.${digest(label)}`, topic: kind === 'bars' ? barsTopic : QUOTES.topic, label };
  });
}

/** A vendor's bars and quotes: what is new or changed since they were last published. */
export class MarketSource implements Source {
  readonly targets: readonly SourceTarget[];
  readonly parts: readonly SourcePart[];
  readonly #options: MarketSourceOptions;
  readonly #bars: SourceTarget;

  constructor(options: MarketSourceOptions) {
    const { series, vendor, barsTopic } = options;
    this.#options = options;
    this.#bars = { topic: barsTopic, schema: SOURCE_BAR };
    this.targets = [...new Set(series.map((one) => this.#targetOf(one)))];
    this.parts = marketParts(vendor, series, barsTopic);
  }

  /**
   * Asks for each series in turn, round after round. A series that cannot be had is reported and passed over, until nothing can
   * be had any more: when the key is refused. Where no requests are left a single round fails, and one of many ends, for the
   * next to go on there: each series has its turn, however few requests there are.
   */
  async *batches({ from, bounds, signal, now }: BatchOptions): AsyncGenerator<SourceBatch> {
    const { everyMs, wait } = this.#options;
    const ledger = await this.#openLedger();
    const positions = from.map((position) => position ?? { offset: 0, isDone: false });
    for (let first = 0; !signal.aborted; ) {
      const roundMs = now();
      first = yield* this.#round(first, ledger, positions, bounds, signal);
      if (everyMs === null || signal.aborted) return;
      await wait(Math.max(0, roundMs + everyMs - now()), signal);
    }
  }

  /** Asks once for each series that is not done, and keeps `positions`. Gives the series that the next round begins with. */
  async *#round(
    first: number,
    ledger: BarLedger,
    positions: PartPosition[],
    bounds: BatchBounds,
    signal: AbortSignal,
  ): AsyncGenerator<SourceBatch, number> {
    const { series, vendor, onAsked } = this.#options;
    const all = [...series.entries()];
    const left = [...all.slice(first), ...all.slice(0, first)].filter(([part]) => positions[part]?.isDone !== true);
    for (const [asked, [part, one]] of left.entries()) {
      onAsked?.(asked, left.length);
      const answer = await this.#ask(one, signal);
      if (signal.aborted || answer === 'none left') return part;
      if (answer === 'failed') continue;
      const before = positions[part] as PartPosition;
      const news = newsOf(answer, one, ledger, before, vendor);
      for (const batch of this.#batchesOf(part, one, news, before, bounds)) {
        positions[part] = batch.positions.get(part) as PartPosition;
        yield batch;
      }
    }
    onAsked?.(left.length, left.length);
    return 0;
  }

  /** What a vendor has is not known before it is asked; and what it changes is always of the past. */
  async *preview(): AsyncGenerator<SourceBatch['outputs']> {}

  #openLedger(): Promise<BarLedger> {
    const { series, openLedger } = this.#options;
    const instruments = series.filter(({ kind }) => kind === 'bars').flatMap((one) => one.instruments);
    return openLedger(instruments);
  }

  #targetOf({ kind }: MarketSeries): SourceTarget {
    return kind === 'bars' ? this.#bars : QUOTES;
  }

  /** Says where the series, or any other of the round, cannot be had. @throws TidemarkError when none can in any round */
  async #ask(series: MarketSeries, signal: AbortSignal): Promise<Answer | 'failed' | 'none left'> {
    const { client, everyMs, onFailure } = this.#options;
    try {
      return await client.ask(
        series.request,
        (response) => ({ rows: series.parse(response), receivedMicros: response.receivedMicros }),
        signal,
      );
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (signal.aborted) return 'failed';
      const isNoneLeft = error.code === 'TM_SOURCE_QUOTA';
      if (error.code === 'TM_SOURCE_ACCESS' || (isNoneLeft && everyMs === null)) throw error;
      onFailure(series.label, error);
      return isNoneLeft ? 'none left' : 'failed';
    }
  }

  /** The transactions of one answer's news. Only the last has the state that passes over them from then on. */
  *#batchesOf(
    part: number,
    series: MarketSeries,
    { rows, faults, state, isDone }: News,
    before: PartPosition,
    { maxRecords }: BatchBounds,
  ): Generator<SourceBatch> {
    if (rows.length === 0 && faults.length === 0 && !isDone) return;
    const target = this.#targetOf(series);
    const writer = new RowWriter(target.schema);
    const { offset } = before;
    for (let start = 0; start === 0 || start < rows.length; start += maxRecords) {
      const end = Math.min(rows.length, start + maxRecords);
      for (const row of rows.slice(start, end)) writer.add(row);
      const isLast = end === rows.length;
      const deadLetters = new DeadLetters();
      if (isLast) for (const fault of faults) deadLetters.add({ ...fault, source: series.label, topic: target.topic });
      const done = offset + end + (isLast ? faults.length : 0);
      const position: PartPosition = isLast
        ? { offset: done, isDone, state: JSON.stringify(state) }
        : { ...before, offset: done };
      yield {
        outputs: writer.length === 0 ? [] : [{ target, columns: writer.finish() }],
        deadLetters: deadLetters.finish(),
        positions: new Map([[part, position]]),
      };
    }
  }
}

interface Answer {
  readonly rows: MarketRows;
  readonly receivedMicros: number;
}

function newsOf(
  { rows: { bars, quotes, faults }, receivedMicros }: Answer,
  series: MarketSeries,
  ledger: BarLedger,
  { state }: PartPosition,
  vendor: string,
): News {
  const last = state === undefined ? NO_STATE : (JSON.parse(state) as SeriesState);
  const request = series.request.url.href;
  const revised: RevisedBar[] = [];
  for (const bar of bars) {
    const news = ledger.revise(bar);
    if (news !== null) revised.push(news);
  }
  const newQuotes = quotes.filter((quote) => last.quotes[quote.instrument] !== quoteDigest(quote));
  const latest = Object.fromEntries(quotes.map((quote) => [quote.instrument, quoteDigest(quote)]));
  const faultsDigest = faults.length === 0 ? '' : digest(JSON.stringify(faults));
  return {
    rows: [
      ...revised.map((bar) => ({ ...bar, source: vendor, request, receiveTime: receivedMicros })),
      ...newQuotes.map((quote) => ({ ...quote, receiveTime: receivedMicros })),
    ],
    faults: faultsDigest === last.faults ? [] : faults,
    state: { quotes: { ...last.quotes, ...latest }, faults: faultsDigest },
    isDone:
      series.endsMicros !== null && receivedMicros >= series.endsMicros && !bars.some(({ provisional }) => provisional),
  };
}

function quoteDigest({ eventTime, bid, ask, bidSize, askSize }: PublishedQuote): string {
  return digest(JSON.stringify([eventTime, bid, ask, bidSize, askSize])).slice(0, 12);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
