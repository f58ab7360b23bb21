import { RowWriter } from '../../core/avro/rowWriter.ts';
import { TidemarkError } from '../../errors.ts';
import { DeadLetters } from '../deadLetters.ts';
import type { RowFault } from '../rowFault.ts';
import { QUOTE, TICK } from '../schemas.ts';
import type { BatchOptions, PartPosition, SourceBatch, SourceTarget } from '../source.ts';
import { Bell } from './bell.ts';
import { ClockOffset } from './clockOffset.ts';
import { type ConnectionBounds, connect } from './connection.ts';
import type { Frame } from './frameQueue.ts';
import { HeardSymbols } from './heardSymbols.ts';
import { type RepairOptions, repair } from './repair.ts';
import { quoteRow, tickRow } from './rows.ts';
import { StoredTrades, type TradeStretch } from './storedTrades.ts';
import { openTradeLine, type TradeLine } from './tradeLine.ts';
import type { Venue, VenueEvent, VenueParser, VenueQuote, VenueTrade } from './venue.ts';

export const TICKS: SourceTarget = { topic: 'ticks', schema: TICK };
export const QUOTES: SourceTarget = { topic: 'quotes', schema: QUOTE };

export interface VenueSourceOptions {
  readonly venue: Venue;
  /** Of its WebSocket. */
  readonly url: string;
  /** As the venue writes them, none twice. */
  readonly symbols: readonly string[];
  readonly bounds: ConnectionBounds;
  /** After so long without a word of a symbol, that is warned of. */
  readonly quietMs: number;
  /** Trades of a symbol that wait for missing ones. */
  readonly maxHeld: number;
  readonly repair: Omit<RepairOptions, 'now' | 'wait'>;
  /** The trades that the topic has already; asked for once no other run of the same symbols can write any more. */
  readonly storedTrades: (stretch: TradeStretch, signal: AbortSignal) => Promise<StoredTrades>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** It is not connected, which is tried again; null once it is. */
  readonly onOutage: (error: TidemarkError | null) => void;
  /** What is amiss besides, and stops nothing: missed trades cannot be asked for now. */
  readonly onWarning: (error: TidemarkError) => void;
  /** How far this machine's clock is ahead of the venue's at most, microseconds; at the end. */
  readonly onClock: (micros: number) => void;
}

/** A symbol's trades, and how many of them were written in all. */
interface SymbolLine {
  readonly symbol: string;
  readonly part: number;
  readonly line: TradeLine;
  count: number;
  isInRepair: boolean;
}

/**
 * A run of a venue's source: one task reads the connection into the symbols' lines, one a line asks for what is missing, and
 * batches are taken off the lines. The tasks wait while a batch is full.
 */
export class VenueRun {
  readonly #options: VenueSourceOptions;
  readonly #batch: BatchOptions;
  readonly #lines: ReadonlyMap<string, SymbolLine>;
  readonly #quotes = new RowWriter(QUOTES.schema);
  readonly #deadLetters = new DeadLetters();
  readonly #clock = new ClockOffset();
  /** Rings when there is something for a batch, and when there is room again. */
  readonly #bell = new Bell();
  /** Ends the tasks. */
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  /** Ends the wait for a fuller batch. */
  #full = new AbortController();
  /** What recordings have brought since the last run. */
  #stored = StoredTrades.NONE;
  #frames = 0;
  #failure: unknown = null;
  /** The venue has sent something of what it was asked for: ever, and on this connection. */
  #isServed = false;
  #isServedAnew = false;

  constructor(options: VenueSourceOptions, batch: BatchOptions) {
    this.#options = options;
    this.#batch = batch;
    this.#lines = new Map(
      options.symbols.map((symbol, part) => {
        const { offset = 0, state = null } = batch.from[part] ?? {};
        const line = openTradeLine(options.venue.tradeIds, options.maxHeld, state);
        return [symbol, { symbol, part, line, count: offset, isInRepair: false }];
      }),
    );
  }

  async *batches(): AsyncGenerator<SourceBatch> {
    const { bounds, signal } = this.#batch;
    const end = (): void => this.#end();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      this.#stored = await this.#storedTrades();
      this.#run(this.#listen());
      while (!this.#hasEnded) {
        while (this.#waiting === 0 && !this.#hasEnded) await this.#bell.next();
        if (!this.#isFull && !this.#hasEnded) await this.#options.wait(bounds.maxMs, this.#full.signal);
        yield* this.#gather();
      }
      while (this.#waiting > 0) yield* this.#gather();
    } finally {
      signal.removeEventListener('abort', end);
      end();
      await Promise.all(this.#tasks);
      const { micros } = this.#clock;
      if (micros !== null) this.#options.onClock(micros);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Those after the last that were taken: they are asked for, and come again. */
  async #storedTrades(): Promise<StoredTrades> {
    const { venue, storedTrades } = this.#options;
    const begun = [...this.#lines.values()].flatMap(({ symbol, line }) =>
      line.takenMicros === null ? [] : [{ instrument: `${venue.name}:${symbol}`, takenMicros: line.takenMicros }],
    );
    if (begun.length === 0) return StoredTrades.NONE;
    const instruments = new Set(begun.map(({ instrument }) => instrument));
    const stretch = {
      isWanted: (instrument: string) => instruments.has(instrument),
      fromMicros: Math.min(...begun.map(({ takenMicros }) => takenMicros)),
      untilMicros: Number.POSITIVE_INFINITY,
    };
    return storedTrades(stretch, this.#stop.signal);
  }

  get #hasEnded(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Rows for batches. */
  get #waiting(): number {
    let rows = this.#quotes.length + this.#deadLetters.length;
    for (const { line } of this.#lines.values()) rows += line.ready;
    return rows;
  }

  get #isFull(): boolean {
    return this.#waiting >= this.#batch.bounds.maxRecords;
  }

  #end(): void {
    this.#stop.abort();
    this.#full.abort();
    this.#bell.ring();
  }

  #run(task: Promise<void>): void {
    const guarded = task
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#end();
      })
      .finally(() => this.#tasks.delete(guarded));
    this.#tasks.add(guarded);
  }

  /** A batch is there, or more of it. Resolves when there is room for more. */
  async #added(): Promise<void> {
    this.#bell.ring();
    if (!this.#isFull) return;
    this.#full.abort();
    while (this.#isFull && !this.#hasEnded) await this.#bell.next();
  }

  async #listen(): Promise<void> {
    const { venue, onOutage, random, wait } = this.#options;
    const { now } = this.#batch;
    const heard = new HeardSymbols(this.#options.symbols);
    let parser = venue.openParser();
    let hasOpened = false;
    for await (const event of connect({ ...this.#options, now, random, wait }, this.#stop.signal)) {
      if (event.kind === 'open') {
        if (!hasOpened) this.#run(heard.watch(this.#options, this.#stop.signal));
        hasOpened = true;
        parser = venue.openParser();
        this.#isServedAnew = false;
        // Missed trades are asked for once new ones come: between an answer and those, none may be lost.
        for (const { line } of this.#lines.values()) line.doubt();
        onOutage(null);
      } else if (event.kind === 'closed') onOutage(event.error);
      else for (const frame of event.frames) await this.#read(frame, parser, heard);
    }
  }

  async #read(frame: Frame, parser: VenueParser, heard: HeardSymbols): Promise<void> {
    this.#frames++;
    for (const event of parser.parse(frame.text, frame.receivedMicros)) {
      heard.hear(event);
      this.#take(event, frame);
    }
    if (this.#waiting > 0) await this.#added();
  }

  #take(event: VenueEvent, frame: Frame): void {
    switch (event.kind) {
      case 'trade':
        this.#takeTrade(event, frame);
        break;
      case 'quote':
        this.#takeQuote(event, frame);
        break;
      case 'heartbeat':
        this.#takeLatest(event.symbol, event.lastTradeId);
        break;
      case 'subscribed':
        this.#subscribed(event.symbols);
        break;
      case 'error':
        this.#refused(event.message);
        break;
      case 'fault':
        this.#reject(event, frame.text);
        // A trade may have been in it.
        this.#doubt();
    }
  }

  #subscribed(symbols: readonly string[]): void {
    this.#isServed = true;
    this.#isServedAnew = true;
    this.#doubt(symbols.length === 0 ? this.#lines.keys() : symbols);
  }

  /** Not all venues say that they have subscribed. */
  #served(): void {
    if (!this.#isServedAnew) this.#subscribed([]);
  }

  #takeTrade(trade: VenueTrade, { receivedMicros }: Frame): void {
    this.#served();
    if (!trade.isOld) this.#clock.observe(trade.publishMicros ?? trade.eventMicros, receivedMicros);
    const one = this.#lines.get(trade.symbol);
    if (one === undefined) throw this.#refusal(`it sends trades of ${trade.symbol}, which was not asked for`);
    one.line.offer({ ...trade, receivedMicros });
    this.#repairMissing(one);
  }

  #takeLatest(symbol: string | null, tradeId: string | null): void {
    const one = symbol === null ? undefined : this.#lines.get(symbol);
    if (one === undefined || tradeId === null) return;
    one.line.latest(tradeId);
    this.#repairMissing(one);
  }

  #takeQuote(quote: VenueQuote, { receivedMicros }: Frame): void {
    this.#served();
    if (this.#lines.has(quote.symbol)) this.#quotes.add(quoteRow(this.#options.venue.name, quote, receivedMicros));
  }

  /** Refused from the beginning, it would be refused again; later it may be a passing thing. */
  #refused(message: string): void {
    const error = this.#refusal(`it says: ${message}`);
    if (!this.#isServed) throw error;
    this.#options.onWarning(error);
    this.#doubt();
  }

  #refusal(message: string): TidemarkError {
    const { venue, url } = this.#options;
    const hint = 'write the symbols as the venue does';
    return new TidemarkError('TM_VENUE_REFUSED', `${venue.name}: ${message}`, { where: url, hint });
  }

  #doubt(symbols: Iterable<string> = this.#lines.keys()): void {
    for (const symbol of symbols) {
      const one = this.#lines.get(symbol);
      one?.line.doubt();
      if (one !== undefined) this.#repairMissing(one);
    }
  }

  #reject({ reason, detail }: RowFault, payload: string): void {
    const source = `venue ${this.#options.venue.name}`;
    this.#deadLetters.add({ source, position: this.#frames, topic: TICKS.topic, reason, detail, payload });
  }

  #repairMissing(one: SymbolLine): void {
    if (one.isInRepair || one.line.missing() === null || this.#hasEnded) return;
    one.isInRepair = true;
    this.#run(this.#repair(one));
  }

  async #repair(one: SymbolLine): Promise<void> {
    const { repair: options, wait, onWarning } = this.#options;
    const { symbol, line } = one;
    await repair(
      symbol,
      line,
      { ...options, now: this.#batch.now, wait },
      {
        onAnswer: () => this.#added(),
        onLost: ({ detail }) => this.#reject({ reason: 'gap', detail: `${symbol}: ${detail}` }, ''),
        onFailure: onWarning,
      },
      this.#stop.signal,
    );
    one.isInRepair = false;
    // Something may have gone missing since it had all.
    this.#repairMissing(one);
  }

  /** What is ready, at most a batch of it. */
  *#gather(): Generator<SourceBatch> {
    const { name } = this.#options.venue;
    const ticks = new RowWriter(TICKS.schema);
    const positions = new Map<number, PartPosition>();
    const quotes = this.#quotes.finish();
    const deadLetters = this.#deadLetters.finish();
    let room = Math.max(1, this.#batch.bounds.maxRecords - quotes.length - deadLetters.length);
    for (const one of this.#lines.values()) {
      const trades = one.line.take(room);
      if (trades.length === 0) continue;
      for (const trade of trades) {
        if (this.#stored.has(`${name}:${trade.symbol}`, trade.tradeId)) continue;
        ticks.add(tickRow(name, trade, trade.receivedMicros));
      }
      room -= trades.length;
      one.count += trades.length;
      const { state } = one.line;
      positions.set(one.part, { offset: one.count, isDone: false, ...(state === null ? {} : { state }) });
    }
    if (this.#full.signal.aborted && !this.#hasEnded) this.#full = new AbortController();
    this.#bell.ring();
    if (positions.size + quotes.length + deadLetters.length === 0) return;
    const outputs = [
      { target: TICKS, columns: ticks.finish() },
      { target: QUOTES, columns: quotes },
    ].filter(({ columns }) => columns.length > 0);
    yield { outputs, deadLetters, positions };
  }
}
