import { ConsecutiveLine } from './consecutiveLine.ts';
import { OrderedLine } from './orderedLine.ts';
import type { Venue, VenueTrade } from './venue.ts';

/** A trade, and when it came, epoch microseconds. */
export interface ReceivedTrade extends VenueTrade {
  readonly receivedMicros: number;
}

/** Where the trades begin that are missing. */
export interface Missing {
  /** The last trade before them; null where none is known by an id. */
  readonly afterId: string | null;
  /** The last of them, or of the first of several gaps; null where ids do not say it. */
  readonly untilId: string | null;
  /** Its time, epoch microseconds: none of them is earlier. */
  readonly fromMicros: number;
  /** How often frames may have been lost before this was said. */
  readonly doubts: number;
}

/** Trades that are missing and cannot be had. */
export interface Lost {
  readonly detail: string;
}

/**
 * The trades of one symbol, put in order: each comes out once, none before those that it follows. What comes after missing trades is
 * held until they are there, within a bound; beyond it, trades are let go, and are then missing as well.
 */
export interface TradeLine {
  /** A trade as it came from the venue, which may have come before. */
  offer(trade: ReceivedTrade): void;
  /** The venue says that its latest trade has this id. */
  latest(tradeId: string): void;
  /** Frames may have been lost here: what is asked for from now on has what they held. */
  doubt(): void;
  /** From where to ask for trades; null when none is known to be missing. */
  missing(): Missing | null;
  /** Trades of the venue's history, asked for by `missing`; `isEnd` when it had no later ones. True when they were of use. */
  fill(missing: Missing, trades: readonly ReceivedTrade[], isEnd: boolean): boolean;
  /** Goes on without those that are missing, where the history does not have them. */
  giveUp(): Lost | null;
  /** How many are ready to be taken. */
  readonly ready: number;
  /** The next ones, at most so many. */
  take(most: number): readonly ReceivedTrade[];
  /** After those that were taken: what a line goes on from, at most 3,000 characters; null before the first. */
  readonly state: string | null;
  /** The time of the last of them, epoch microseconds. */
  readonly takenMicros: number | null;
}

/** @param state of an earlier line of the symbol */
export function openTradeLine(tradeIds: Venue['tradeIds'], maxHeld: number, state: string | null): TradeLine {
  if (tradeIds === 'consecutive') return new ConsecutiveLine(maxHeld, state);
  return new OrderedLine(tradeIds === 'rising', maxHeld, state);
}
