import { RowWriter } from '../../core/avro/rowWriter.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { MergeQueue } from '../csv/mergeQueue.ts';
import { DeadLetters } from '../deadLetters.ts';
import { QUOTE, TICK } from '../schemas.ts';
import type {
  BatchBounds,
  BatchOptions,
  PartPosition,
  Source,
  SourceBatch,
  SourcePart,
  SourceTarget,
} from '../source.ts';
import { quoteRow, tickRow } from '../venues/rows.ts';
import { StoredTrades, type TradeStretch } from '../venues/storedTrades.ts';
import { Player } from './player.ts';
import type { Recording } from './recording.ts';
import { receivedSpan } from './recordingCursor.ts';
import { TakenTrades } from './takenTrades.ts';

const PREVIEW_BOUNDS: BatchBounds = { maxRecords: 65_536, maxBytes: 16_777_216, maxMs: Number.POSITIVE_INFINITY };
/** The clock is looked at once in so many lines. */
const LINES_PER_CLOCK = 256;
/** A timer's longest time is less than a month; this is looked at again. */
const LONGEST_WAIT_MS = 60_000;

export interface RecordingSourceOptions {
  readonly topic: string;
  readonly quotesTopic: string;
  /** Times as fast as it was recorded; null for as fast as it can be written. */
  readonly speed: number | null;
  /** Ids of a symbol's latest trades by which a repeat is told. */
  readonly rememberedTrades: number;
  /** The trades that the topic has already; asked for once no other run of the same recordings can write any more. */
  readonly storedTrades: (stretch: TradeStretch, signal: AbortSignal) => Promise<StoredTrades>;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** At the end of a run. */
  readonly onLeftOut: (leftOut: LeftOut) => void;
}

/** Trades that a run did not give: repeats (`TakenTrades`, `StoredTrades`), and old ones (`OldTrades`). */
export interface LeftOut {
  readonly repeated: number;
  readonly old: number;
}

/** Recordings as a source, merged by when their frames were received. Position n of one is after its line n. */
export class RecordingSource implements Source {
  readonly targets: readonly SourceTarget[];
  readonly parts: readonly SourcePart[];
  readonly #recordings: readonly Recording[];
  readonly #options: RecordingSourceOptions;

  constructor(recordings: readonly Recording[], options: RecordingSourceOptions) {
    const { topic, quotesTopic } = options;
    this.#recordings = recordings;
    this.#options = options;
    this.targets = [
      { topic, schema: TICK },
      { topic: quotesTopic, schema: QUOTE },
    ];
    this.parts = recordings.map(({ id, label }) => ({ id: `recording.${id}`, topic, label }));
  }

  async *batches(options: BatchOptions): AsyncGenerator<SourceBatch> {
    let [repeated, old] = [0, 0];
    for await (const { batch, leftOut } of this.#play(options, this.#options.speed)) {
      repeated += leftOut.repeated;
      old += leftOut.old;
      yield batch;
    }
    this.#options.onLeftOut({ repeated, old });
  }

  async *preview(options: Omit<BatchOptions, 'bounds'>): AsyncGenerator<SourceBatch['outputs']> {
    for await (const { batch } of this.#play({ ...options, bounds: PREVIEW_BOUNDS }, null)) yield batch.outputs;
  }

  async *#play({ from, bounds, now, signal }: BatchOptions, speed: number | null): AsyncGenerator<PlayedBatch> {
    const players = new Map<number, Player>();
    const taken = new TakenTrades(this.#options.rememberedTrades);
    const queue = new MergeQueue();
    const batch = new BatchBuilder(this.targets, bounds, now);
    let pace: Pace | null = null;
    try {
      const begun: Player[] = [];
      for (const [part, recording] of this.#recordings.entries()) {
        if (from[part]?.isDone === true) continue;
        const player = new Player(recording, taken);
        players.set(part, player);
        const before = from[part]?.offset ?? 0;
        const hasMore = (await player.skip(before, signal)) && (await player.next());
        if (hasMore) {
          queue.add(part, player.cursor.receivedMicros);
          begun.push(player);
        } else if (player.cursor.isDone) batch.ended(part, player);
      }
      batch.stored = await this.#storedTrades(begun, signal);
      for (let part = queue.first; part >= 0 && !signal.aborted; part = queue.first) {
        const player = players.get(part) as Player;
        const { receivedMicros } = player.cursor;
        if (speed !== null && Number.isFinite(receivedMicros)) {
          pace ??= { receivedMicros, beganMs: now(), speed };
          yield* this.#waitFor(dueMs(pace, receivedMicros), batch, now, signal);
          if (signal.aborted) break;
        }
        batch.add(part, player);
        if (await player.next()) queue.moveFirst(player.cursor.receivedMicros);
        else queue.removeFirst();
        if (batch.isFull()) yield batch.finish();
      }
      if (!batch.isEmpty()) yield batch.finish();
    } finally {
      for (const { cursor } of players.values()) await cursor.close();
    }
  }

  /** Those that the topic has of what is left of some recordings. */
  async #storedTrades(players: readonly Player[], signal: AbortSignal): Promise<StoredTrades> {
    const venues = new Set(players.map(({ recording }) => recording.venue.name));
    const spans = await Promise.all(
      players.map(async ({ recording, cursor }) => {
        const { firstMicros, lastMicros } = await receivedSpan(recording);
        return { fromMicros: Math.max(firstMicros, cursor.receivedMicros), untilMicros: lastMicros };
      }),
    );
    const stretch = {
      isWanted: (instrument: string) => venues.has(instrument.slice(0, instrument.indexOf(':'))),
      fromMicros: Math.min(...spans.map(({ fromMicros }) => fromMicros)),
      untilMicros: Math.max(...spans.map(({ untilMicros }) => untilMicros)),
    };
    return Number.isFinite(stretch.fromMicros) ? this.#options.storedTrades(stretch, signal) : StoredTrades.NONE;
  }

  /** Waits until a line is due; what was gathered goes before it has waited for too long. */
  async *#waitFor(
    atMs: number,
    batch: BatchBuilder,
    now: () => number,
    signal: AbortSignal,
  ): AsyncGenerator<PlayedBatch> {
    for (let leftMs = atMs - now(); leftMs > 0 && !signal.aborted; leftMs = atMs - now()) {
      const batchMs = batch.isEmpty() ? LONGEST_WAIT_MS : batch.leftMs();
      if (batchMs <= 0) yield batch.finish();
      else await this.#options.wait(Math.min(leftMs, batchMs, LONGEST_WAIT_MS), signal);
    }
  }
}

/** Where the play began: at a line that was received then, when the clock said so. */
interface Pace {
  readonly receivedMicros: number;
  readonly beganMs: number;
  readonly speed: number;
}

function dueMs({ receivedMicros, beganMs, speed }: Pace, lineMicros: number): number {
  return beganMs + (lineMicros - receivedMicros) / MICROS_PER_MS / speed;
}

interface PlayedBatch {
  readonly batch: SourceBatch;
  readonly leftOut: LeftOut;
}

/** Gathers the lines of one transaction. */
class BatchBuilder {
  /** Trades that the topic has already. */
  stored = StoredTrades.NONE;
  readonly #targets: readonly SourceTarget[];
  readonly #ticks = new RowWriter(TICK);
  readonly #quotes = new RowWriter(QUOTE);
  readonly #deadLetters = new DeadLetters();
  readonly #bounds: BatchBounds;
  readonly #now: () => number;
  /** The recordings that lines were taken from, or that have ended, by part: how many lines of them are done. */
  readonly #moved = new Map<number, { readonly player: Player; readonly lines: number }>();
  #repeated = 0;
  #old = 0;
  #lines = 0;
  #bytes = 0;
  #sinceMs: number;

  constructor(targets: readonly SourceTarget[], bounds: BatchBounds, now: () => number) {
    this.#targets = targets;
    this.#bounds = bounds;
    this.#now = now;
    this.#sinceMs = now();
  }

  /** Takes the line at which the player stands. */
  add(part: number, player: Player): void {
    if (this.isEmpty()) this.#sinceMs = this.#now();
    const { cursor, recording } = player;
    const { name } = recording.venue;
    const { trades, quotes, faults, repeated, old } = player.play();
    for (const trade of trades) {
      if (this.stored.has(`${name}:${trade.symbol}`, trade.tradeId)) this.#repeated++;
      else this.#ticks.add(tickRow(name, trade, cursor.receivedMicros));
    }
    for (const quote of quotes) this.#quotes.add(quoteRow(name, quote, cursor.receivedMicros));
    for (const { reason, detail } of faults) {
      const topic = this.#targets[0]?.topic ?? '';
      const payload = cursor.head.kind === 'frame' ? cursor.head.frame : cursor.text;
      this.#deadLetters.add({ source: cursor.file, position: cursor.line, topic, reason, detail, payload });
    }
    this.#moved.set(part, { player, lines: cursor.taken });
    this.#repeated += repeated;
    this.#old += old;
    this.#lines++;
    this.#bytes += cursor.text.length;
  }

  /** Takes note of a recording without a further line. */
  ended(part: number, player: Player): void {
    this.#moved.set(part, { player, lines: player.cursor.taken });
  }

  isEmpty(): boolean {
    return this.#moved.size === 0;
  }

  isFull(): boolean {
    const { maxRecords, maxBytes } = this.#bounds;
    const records = this.#ticks.length + this.#quotes.length + this.#deadLetters.length;
    if (records >= maxRecords || this.#bytes >= maxBytes) return true;
    return this.#lines % LINES_PER_CLOCK === 0 && this.leftMs() <= 0;
  }

  /** For how long the first line may still wait. */
  leftMs(): number {
    return this.#sinceMs + this.#bounds.maxMs - this.#now();
  }

  finish(): PlayedBatch {
    const [ticks, quotes] = [this.#ticks, this.#quotes];
    const outputs = this.#targets.flatMap((target) => {
      const writer = target.schema === TICK ? ticks : quotes;
      return writer.length === 0 ? [] : [{ target, columns: writer.finish() }];
    });
    const positions = new Map<number, PartPosition>();
    for (const [part, { player, lines }] of this.#moved) {
      // The cursor may stand at a line that is not taken yet.
      const isDone = player.cursor.isDone && player.cursor.taken === lines;
      positions.set(part, { offset: lines, isDone });
    }
    const leftOut = { repeated: this.#repeated, old: this.#old };
    this.#moved.clear();
    this.#repeated = 0;
    this.#old = 0;
    this.#lines = 0;
    this.#bytes = 0;
    return { batch: { outputs, deadLetters: this.#deadLetters.finish(), positions }, leftOut };
  }
}
