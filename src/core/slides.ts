/** The first slot that comes to a stretch, or a later one. */
export const TAKE = 0;
/** The stretch leaves out the slot, its first. */
export const DROP = 1;
/** What the stretch holds now is to be shown; it stays. The slot is not used. */
export const SHOW = 2;
/** The stretch holds nothing any more. The slot is not used. */
export const FORGET = 3;

/**
 * What is done to stretches, in order. A stretch is a row of slots of ascending event time, each a time of its own, that later slots
 * come to and earlier ones leave; it is named by a slot that is left to it. What the slots hold does not change while they
 * are in it.
 */
export interface Slides {
  /** Of `kinds`, `stretches` and `slots`. */
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly stretches: Int32Array;
  readonly slots: Int32Array;
  /** How many of them are SHOW. */
  readonly shown: number;
}
