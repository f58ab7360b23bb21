import type { SlotStore } from './slotStore.ts';

/** A window of a key, as far as it is kept. */
export interface FoundWindow {
  readonly startMicros: number;
  readonly endMicros: number;
  /** How often it has been emitted. */
  readonly emissions: number;
  /** Whether it holds records that no emission has shown. */
  readonly hasUnshown: boolean;
}

/** The window of a slot. @param lastArrival of the records that it holds, where some are in other slots too */
export function foundWindow(
  { starts, ends, revisions, firedArrivals, lastArrivals }: SlotStore,
  slot: number,
  lastArrival = lastArrivals[slot] as number,
): FoundWindow {
  return {
    startMicros: starts[slot] as number,
    endMicros: ends[slot] as number,
    emissions: revisions[slot] as number,
    hasUnshown: firedArrivals[slot] !== lastArrival,
  };
}
