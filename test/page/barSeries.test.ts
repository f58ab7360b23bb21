import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bar, BarSeries } from '../../page/barSeries.js';

function bar(start: number, revision: number): Bar {
  return { startMs: 1_000 * start, open: 1, high: 2, low: 1, close: 2, volume: revision, vwap: 1, count: 1, revision };
}

/** Of each start the highest revision; by start. */
function newestOfEach(bars: readonly Bar[]): Bar[] {
  const newest = new Map<number, Bar>();
  for (const one of bars) {
    if (one.revision > (newest.get(one.startMs)?.revision ?? -1)) newest.set(one.startMs, one);
  }
  return [...newest.values()].sort((a, b) => a.startMs - b.startMs);
}

const batches = fc.array(fc.array(fc.tuple(fc.nat(12), fc.nat(3)).map(([start, revision]) => bar(start, revision))));

describe('BarSeries', () => {
  it('holds the newest revision of each bar, whatever the order that stored and live bars come in', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const series = new BarSeries();
        for (const batch of all) series.merge(batch);
        expect(series.bars).toEqual(newestOfEach(all.flat()));
      }),
    );
  });

  it('says what changed, so that whoever draws only that draws the same', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const series = new BarSeries();
        let drawn: Bar[] = [];
        for (const batch of all) {
          const { structural, bars } = series.merge(batch);
          const newest = drawn.at(-1)?.startMs ?? -1;
          const known = new Set(drawn.map(({ startMs }) => startMs));
          // A chart takes bars at its end, and revisions; one in between needs all of them again.
          if (!structural) expect(bars.every(({ startMs }) => startMs > newest || known.has(startMs))).toBe(true);
          drawn = structural ? [...series.bars] : newestOfEach([...drawn, ...bars]);
          expect(drawn).toEqual(series.bars);
        }
      }),
    );
  });
});
