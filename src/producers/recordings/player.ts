import type { VenueEvent, VenueParser, VenueQuote, VenueTrade } from '../venues/venue.ts';
import { OldTrades } from './oldTrades.ts';
import type { Recording } from './recording.ts';
import { RecordingCursor } from './recordingCursor.ts';
import type { TakenTrades } from './takenTrades.ts';

/** What a line of a recording gives. */
export interface PlayedLine {
  readonly trades: readonly VenueTrade[];
  readonly quotes: readonly VenueQuote[];
  readonly faults: readonly Extract<VenueEvent, { kind: 'fault' }>[];
  /** Trades that came before, and those that are older than the recording: neither is among the others. */
  readonly repeated: number;
  readonly old: number;
}

const NOTHING: PlayedLine = { trades: [], quotes: [], faults: [], repeated: 0, old: 0 };
const BROKEN_LINE: PlayedLine = {
  ...NOTHING,
  faults: [{ kind: 'fault', reason: 'frame', detail: 'not a line of a recording, or cut short' }],
};

/** Reads a recording from its beginning, which makes what is known at any line of it: books, and trades that were given. */
export class Player {
  readonly recording: Recording;
  readonly cursor: RecordingCursor;
  readonly #oldTrades = new OldTrades();
  readonly #taken: TakenTrades;
  #parser: VenueParser;

  /** @param taken by all recordings that are played together */
  constructor(recording: Recording, taken: TakenTrades) {
    this.recording = recording;
    this.cursor = new RecordingCursor(recording);
    this.#taken = taken;
    this.#parser = recording.venue.openParser();
  }

  /** Moves to the next line. False at the end of what there is. @throws TM_PRODUCE_FILE */
  async next(): Promise<boolean> {
    return this.cursor.advance() || this.cursor.nextBlock();
  }

  /** Moves past so many lines. False when there are no more, or the signal is aborted. @throws TM_PRODUCE_FILE */
  async skip(lines: number, signal: AbortSignal): Promise<boolean> {
    while (this.cursor.taken < lines) {
      if (signal.aborted || !(await this.next())) return false;
      this.play();
    }
    return true;
  }

  /** What the line gives at which the cursor stands; once for each line. */
  play(): PlayedLine {
    const { head } = this.cursor;
    if (head.kind === 'broken') return BROKEN_LINE;
    if (head.kind === 'open') this.#parser = this.recording.venue.openParser();
    return head.kind === 'frame' ? this.#sorted(this.#parser.parse(head.frame, head.receivedMicros)) : NOTHING;
  }

  #sorted(events: readonly VenueEvent[]): PlayedLine {
    if (events.length === 0) return NOTHING;
    const found = events.filter((event) => event.kind === 'trade');
    // Venues give old trades newest first, or in any order.
    if (found.some(({ isOld }) => isOld)) found.sort(byTime);
    const own = found.filter((trade) => !this.#oldTrades.has(trade));
    const { name } = this.recording.venue;
    const trades = own.filter(({ symbol, tradeId }) => this.#taken.take(`${name}:${symbol}`, tradeId));
    return {
      trades,
      quotes: events.filter((event) => event.kind === 'quote'),
      faults: events.filter((event) => event.kind === 'fault'),
      repeated: own.length - trades.length,
      old: found.length - own.length,
    };
  }
}

function byTime(a: VenueTrade, b: VenueTrade): number {
  return a.eventMicros - b.eventMicros || (a.sequence ?? 0) - (b.sequence ?? 0);
}
