import type { Emitted } from './emitted.ts';
import type { Firings } from './firings.ts';
import type { FoundWindow } from './foundWindow.ts';
import type { LateRecords } from './lateRecords.ts';

/** In place of a slot: every window of the record has expired. */
export const EXPIRED = -1;
/** In place of a slot: the record lies in the gap between two windows. */
export const UNASSIGNED = -2;

/** Consecutive records to be put into windows. */
export interface Run {
  readonly timesMicros: Float64Array;
  /** The watermark in force before each record. */
  readonly watermarks: Float64Array;
  readonly arrivals: Float64Array;
  readonly keyIds: Int32Array;
  readonly late: LateRecords;
  /** Further slots of records that go into more than one: `extraSlots[i]` also takes record `extraRows[i]`. */
  readonly extraRows: number[];
  readonly extraSlots: number[];
  /** Set when a record goes into a slot that windows have been gathered of: they must be handed out before it. */
  revisits: boolean;
}

/** A window that has not expired. */
export interface OpenWindow {
  readonly startMicros: number;
  readonly endMicros: number;
  readonly definition: number;
  /** Emits it for each key whose contents changed since it last fired, or fired provisionally only; a step for each. */
  flush(firings: Firings, emitted: Emitted): Generator<void>;
}

/**
 * The windows of some definitions that share slots, for all keys of a task: which slots a record goes into, and which
 * windows fire when. Pure: no clock, and the outcome depends on the sequence of records and watermarks alone.
 */
export interface Windower {
  /** How many arrays of slots `assign` fills. */
  readonly width: number;
  /** The instant (end - 1) at which something is complete next, and the start of what is first there; infinity for nothing. */
  readonly nextClosing: number;
  readonly nextStart: number;
  /**
   * Puts records into slots, from `from` to at most `to`. Returns where it stopped: before a record that comes into a window
   * which must be closed first, before one that `prepare` must go before, or after one that `refire` must follow. Records
   * that are on time do not wait for windows to be closed: they are in none that is complete.
   * `slots[k][i]` becomes the slot of record i, or negative.
   */
  assign(run: Run, slots: readonly Int32Array[], from: number, to: number): number;
  readonly mustPrepare: boolean;
  readonly mustRefire: boolean;
  /**
   * Makes room for the record that `assign` stopped before: takes windows back and merges slots. Needed only where
   * `mustPrepare` may be true.
   */
  prepare?(firings: Firings): void;
  /**
   * Emits the complete windows that hold the record assigned last, and, on each change, the others as provisional, by
   * definition and start. Returns how many were complete.
   */
  refire(firings: Firings): number;
  /**
   * Does what is due at `nextClosing` and `nextStart`, and may do what else is due at a watermark; a step for each window or
   * slot. `causeOf` tells what `Firings.afterArrival` is at an instant; it is set for the first.
   */
  close(firings: Firings, watermark: number, causeOf: (instant: number) => number): Generator<void>;
  openWindows(): Iterable<OpenWindow>;
  /** The window of a key that an instant names (`namedWindow`); null where nothing of it is kept. */
  find(definition: number, keyId: number, atMicros: number): FoundWindow | null;
  /** Gives up the slots that nothing needs at a watermark; a step for each. */
  expire(watermark: number, firings: Firings): Iterable<void>;
  /** What is not in the slots themselves, as plain data. Gives up slots that need not be saved. */
  snapshot(firings: Firings): unknown;
  /** Takes over what `snapshot` gave; the slots are open again, and the watermark is the one that was in force. */
  restore(saved: unknown, watermark: number): void;
}
