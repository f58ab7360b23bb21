import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergeQueue } from '../../../src/producers/csv/mergeQueue.ts';

/** Few different times, so that ties are common; lanes of any disorder. */
const laneTimes = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 30 });

interface Item {
  readonly lane: number;
  readonly index: number;
  readonly time: number;
}

function merge(lanes: readonly (readonly number[])[]): Item[] {
  const queue = new MergeQueue();
  const at = lanes.map(() => 0);
  for (const [lane, times] of lanes.entries()) queue.add(lane, times[0] ?? 0);
  const merged: Item[] = [];
  for (let lane = queue.first; lane >= 0; lane = queue.first) {
    const index = at[lane] ?? 0;
    merged.push({ lane, index, time: lanes[lane]?.[index] ?? Number.NaN });
    at[lane] = index + 1;
    const next = lanes[lane]?.[index + 1];
    if (next === undefined) queue.removeFirst();
    else queue.moveFirst(next);
  }
  return merged;
}

/** The slow obvious way: look at every head, take the first of the lowest. */
function mergeSlowly(lanes: readonly (readonly number[])[]): Item[] {
  const at = lanes.map(() => 0);
  const merged: Item[] = [];
  for (;;) {
    let best: Item | null = null;
    for (const [lane, times] of lanes.entries()) {
      const index = at[lane] ?? 0;
      const time = times[index];
      if (time !== undefined && (best === null || time < best.time)) best = { lane, index, time };
    }
    if (best === null) return merged;
    merged.push(best);
    at[best.lane] = best.index + 1;
  }
}

describe('MergeQueue', () => {
  it('always gives the lowest head, ties by lane, and every item of a lane in its order', () => {
    fc.assert(
      fc.property(fc.array(laneTimes, { maxLength: 12 }), (lanes) => {
        expect(merge(lanes)).toEqual(mergeSlowly(lanes));
      }),
    );
  });

  it('gives a sorted sequence where every lane is sorted', () => {
    const sorted = laneTimes.map((times) => times.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(sorted, { maxLength: 12 }), (lanes) => {
        const times = merge(lanes).map(({ time }) => time);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});
