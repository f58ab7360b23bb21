import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlideSteps } from '../../../src/topology/windows/slideSteps.ts';
import { effort } from '../../support/effort.ts';
import { chunkOf, type SlotRow, SlotsDrive } from '../../support/slotsDrive.ts';
import { BAR, COUNTED, NUMERIC, PICKED, SKETCHED, slotRow } from './slotAggregates.ts';

const RUNS = effort(60);
const STRETCH = 0;
const MOST_MOVES = 40;

/** The rows of one slot after the other, and what is done once each has come. */
const stretch = fc.array(
  fc.record({
    rows: fc.array(slotRow, { maxLength: 3 }),
    // Fewer than come, so that stretches grow.
    drops: fc.constantFrom(0, 0, 0, 0, 0, 1, 1, 1, 3),
    shows: fc.boolean(),
    forgets: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: MOST_MOVES, size: 'max' },
);

describe.each([
  ['numbers', NUMERIC],
  ['picked values', PICKED],
  ['counted values', COUNTED],
  ['sketches and own aggregates', SKETCHED],
  ['a bar', BAR],
])('stretches of slots of %s', (_, aggregates) => {
  it('show what the slots that they hold would give together', () => {
    fc.assert(
      fc.property(stretch, fc.integer({ min: 1, max: 10 }), (moves, stepsAtATime) => {
        const drive = new SlotsDrive(aggregates);
        const steps = new SlideSteps();
        let held: number[] = [];
        let expected: unknown[] = [];
        let arrivals = 0;
        for (const [index, { rows, drops, shows, forgets }] of moves.entries()) {
          const slot = index + 1;
          addTo(drive, slot, rows, arrivals);
          arrivals += rows.length;
          steps.take(STRETCH, slot);
          held.push(slot);
          for (const dropped of held.slice(0, drops)) steps.drop(STRETCH, dropped);
          held = held.slice(drops);
          if (forgets) steps.forget(STRETCH);
          if (forgets) held = [];
          if (shows) steps.show(STRETCH);
          if (shows) expected.push(drive.result(...(held.length === 0 ? [moves.length + 1] : held)));
          if (index % stepsAtATime !== 0) continue;
          expect(shown(drive, steps, expected.length)).toEqual(expected);
          expected = [];
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function addTo(drive: SlotsDrive, slot: number, rows: readonly SlotRow[], arrivals: number): void {
  // All are before the end of what they are in.
  const timed = rows.map((row) => ({ ...row, eventTime: slot - MOST_MOVES }));
  drive.add(
    chunkOf(timed, arrivals),
    timed.map((_row, index) => [index, slot] as const),
  );
}

function shown(drive: SlotsDrive, steps: SlideSteps, count: number): unknown[] {
  const slides = steps.handOut();
  if (slides !== null) drive.slots.slide(slides);
  return drive.results(Array.from({ length: count }, (_, row) => [~row]));
}
