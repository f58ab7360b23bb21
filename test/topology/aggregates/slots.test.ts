import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort } from '../../support/effort.ts';
import { chunkOf, SlotsDrive } from '../../support/slotsDrive.ts';
import { BAR, COUNTED, DECIMAL, NUMERIC, PICKED, SKETCHED, slotRow } from './slotAggregates.ts';

const RUNS = effort(300);
const SLOTS = 4;

/** Rows, each with a slot. */
const assigned = fc.array(fc.tuple(slotRow, fc.integer({ min: 0, max: SLOTS - 1 })), { minLength: 1, maxLength: 30 });
const slotOrder = fc.shuffledSubarray([0, 1, 2, 3], { minLength: SLOTS, maxLength: SLOTS });

function chunkAndPairs(rows: readonly (readonly [Parameters<typeof chunkOf>[0][number], number])[], first: number) {
  const pairs = rows.map(([, slot], index) => [index, slot] as const);
  return [
    chunkOf(
      rows.map(([fields]) => fields),
      first,
    ),
    pairs,
  ] as const;
}

describe.each([
  ['numbers', NUMERIC],
  ['decimals', DECIMAL],
  ['picked values', PICKED],
  ['counted values', COUNTED],
  ['sketches and own aggregates', SKETCHED],
  ['a bar', BAR],
])('the slots of %s', (_, aggregates) => {
  it('give the same result however records were spread over slots and in whatever order these were merged', () => {
    fc.assert(
      fc.property(assigned, slotOrder, (rows, order) => {
        const [chunk, pairs] = chunkAndPairs(rows, 0);
        const whole = new SlotsDrive(aggregates)
          .add(
            chunk,
            pairs.map(([index]) => [index, 0] as const),
          )
          .result(0);
        const spread = new SlotsDrive(aggregates).add(chunk, pairs);
        expect(spread.result(...order)).toEqual(whole);
        expect(spread.result(...order)).toEqual(whole);
        const chained = new SlotsDrive(aggregates).add(chunk, pairs);
        chained.slots.merge(Int32Array.from(order.slice(0, -1)), Int32Array.from(order.slice(1)));
        chained.slots.release(Int32Array.from(order.slice(0, -1)));
        chained.add(chunkOf([], rows.length), []);
        expect(chained.result(order.at(-1) ?? 0)).toEqual(whole);
        const [target = 0, ...others] = order;
        for (const other of others) spread.merge(other, target);
        expect(spread.result(target)).toEqual(whole);
      }),
      { numRuns: RUNS },
    );
  });

  it('go on from a snapshot in other slots as if nothing had happened', () => {
    fc.assert(
      fc.property(assigned, assigned, slotOrder, (before, after, moved) => {
        const undisturbed = new SlotsDrive(aggregates).add(...chunkAndPairs(before, 0));
        const saved = deserialize(serialize(undisturbed.slots.snapshot(Int32Array.of(0, 1, 2, 3))));
        const restored = new SlotsDrive(aggregates);
        const movedSlot = (slot: number): number => 10 + (moved[slot] ?? 0);
        restored.slots.restore(Int32Array.of(0, 1, 2, 3).map(movedSlot), 14, saved);
        const [chunk, pairs] = chunkAndPairs(after, before.length);
        undisturbed.add(chunk, pairs).merge(2, 3);
        restored.add(
          chunk,
          pairs.map(([index, slot]) => [index, movedSlot(slot)] as const),
        );
        restored.merge(movedSlot(2), movedSlot(3));
        for (const slot of [0, 1, 2, 3]) expect(restored.result(movedSlot(slot))).toEqual(undisturbed.result(slot));
      }),
      { numRuns: RUNS },
    );
  });

  it('are empty again once released', () => {
    const drive = new SlotsDrive(aggregates);
    const empty = drive.add(chunkOf([], 0), []).merge(0, 1).result(0);
    const rows = fc.sample(slotRow, { seed: 1, numRuns: 20 });
    drive.add(
      chunkOf(rows, 0),
      rows.map((_row, index) => [index, 0] as const),
    );
    expect(drive.result(0)).not.toEqual(empty);
    drive.slots.release(Int32Array.of(0));
    expect(drive.result(0)).toEqual(empty);
  });
});
