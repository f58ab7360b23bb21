import type { Firings } from './firings.ts';

/** `assign`: every window of the record has expired. */
export const EXPIRED = -1;
/** `assign`: the record lies in the gap between two windows. */
export const UNASSIGNED = -2;

/**
 * The windows of one definition, for all keys of a task: which slot a record falls into, and which windows fire when.
 * Pure: no clock, and the outcome depends on the sequence of records and watermarks alone.
 */
export interface KeyedWindows {
  /** The instant (end - 1) at which the next window that has not fired is complete; infinity when there is none. */
  readonly nextClosing: number;
  readonly sizeMicros: number;
  /** The slot of a record, or EXPIRED or UNASSIGNED. `watermark` is the one in force before the record. */
  assign(keyId: number, tsMicros: number, watermark: number, offset: number): number;
  /** True when the record assigned last came after a window of its had completed: `refire` must follow. */
  readonly refirePending: boolean;
  /** Emits the complete windows that hold the record assigned last, by start. Returns how many. */
  refire(firings: Firings): number;
  /** Emits the windows that close at `nextClosing`, by first record, unless a flush has emitted the same contents. */
  fireClosing(firings: Firings): void;
  /** Starts of the windows that are kept, in any order. */
  starts(): Iterable<number>;
  /** Emits a window's keys whose contents changed since they last fired, by first record. */
  flush(startMicros: number, firings: Firings): void;
  /** Gives up the windows that have expired at `watermark` and adds the slots that nothing needs to `released`. */
  expire(watermark: number, released: number[]): void;
}
