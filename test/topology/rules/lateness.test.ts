import { describe, expect, it } from 'vitest';
import { play } from '../../support/play.ts';

const TUMBLING = { type: 'tumbling', sizeMs: 10 };
const HOPPING = { type: 'hopping', sizeMs: 10, slideMs: 5 };

describe('lateness', () => {
  // time        0         10   14
  // window      [---------)----|  kept while the watermark is below end − 1 + 5 = 14
  // watermarks           9   13 14
  it('is allowed while the watermark is below end − 1 + lateness: such an event fires the window again at once', () => {
    const setting = { window: TUMBLING, allowedLatenessMs: 5 };
    const { results, late } = play(setting, [['a', 1], { w: 9 }, ['a', 2], { w: 13 }, ['a', 3], { w: 14 }, ['a', 4]]);
    expect(results).toEqual(['1: a [0,10) r0: 1', '2: a [0,10) r1: 1 2', '4: a [0,10) r2: 1 2 3']);
    expect(late).toEqual(['6: a 4']);
  });

  it('of zero makes an event late as soon as its window is complete', () => {
    const { results, late } = play({ window: TUMBLING }, [['a', 1], { w: 8 }, ['a', 2], { w: 9 }, ['a', 3]]);
    expect(results).toEqual(['3: a [0,10) r0: 1 2']);
    expect(late).toEqual(['4: a 3']);
  });

  // events    12, then 11: the watermark before 11 is 11, after 12 was processed
  it('is judged by the watermark before the event, which moves it only afterwards', () => {
    const window = { type: 'tumbling', sizeMs: 1 };
    // 12 completes nothing of its own: before it there is no watermark. 11 meets 11: [11,12) is complete and expired.
    const { late, watermarks } = play({ window, watermarks: 'perEvent' }, [
      ['a', 12],
      ['a', 12],
      ['a', 11],
    ]);
    expect(watermarks).toEqual([11, 11, 11]);
    expect(late).toEqual(['2: a 11']);
  });

  it('lets a window that is complete and never fired fire at once, with revision 0', () => {
    const { results } = play({ window: TUMBLING, allowedLatenessMs: 5 }, [{ w: 12 }, ['a', 3], ['a', 4]]);
    expect(results).toEqual(['1: a [0,10) r0: 3', '2: a [0,10) r1: 3 4']);
  });

  // hopping 10 by 5: 7 is in [0,10) and [5,15)
  // watermark 9: [0,10) has expired, [5,15) has not
  it('makes an event late only when all its windows have expired: it goes into those that are left', () => {
    const { results, late } = play({ window: HOPPING }, [['a', 1], { w: 9 }, ['a', 7], { w: 14 }, ['a', 7]]);
    expect(results).toEqual(['1: a [-5,5) r0: 1', '1: a [0,10) r0: 1', '3: a [5,15) r0: 7']);
    expect(late).toEqual(['4: a 7']);
  });

  // hopping 10 by 5, lateness 5, watermark 12: [0,10) is complete and kept, [5,15) is open
  it('fires again what is complete of an event’s windows, and leaves the others for their completion', () => {
    const { results } = play({ window: HOPPING, allowedLatenessMs: 5 }, [['a', 8], { w: 12 }, ['a', 7], { w: 14 }]);
    expect(results).toEqual(['1: a [0,10) r0: 8', '2: a [0,10) r1: 8 7', '3: a [5,15) r0: 8 7']);
  });

  it('is of each key by itself, though event time is not', () => {
    const { results, late } = play({ window: TUMBLING, watermarks: 'perEvent' }, [
      ['a', 1],
      ['b', 30],
      ['a', 2],
      ['b', 25],
    ]);
    expect(results).toEqual(['1: a [0,10) r0: 1']);
    expect(late).toEqual(['2: a 2', '3: b 25']);
  });
});

describe('discarding', () => {
  it('empties a window each time it fires, and goes on with its revisions', () => {
    const setting = { window: TUMBLING, allowedLatenessMs: 50, accumulation: 'discarding' } as const;
    const { results } = play(setting, [['a', 1], ['a', 2], { w: 9 }, ['a', 3], ['a', 4], 'end']);
    expect(results).toEqual(['2: a [0,10) r0: 1 2', '3: a [0,10) r1: 3', '4: a [0,10) r2: 4']);
  });

  // hopping 10 by 5: each window has contents of its own, so what one has given stays in the other
  it('empties each of overlapping windows by itself', () => {
    const setting = { window: HOPPING, allowedLatenessMs: 50, accumulation: 'discarding' } as const;
    const { results } = play(setting, [['a', 7], { w: 9 }, ['a', 8], { w: 14 }, 'end']);
    expect(results).toEqual(['1: a [0,10) r0: 7', '2: a [0,10) r1: 8', '3: a [5,15) r0: 7 8']);
  });

  it('does not fire a window again that holds nothing new', () => {
    const setting = { window: TUMBLING, allowedLatenessMs: 50, accumulation: 'discarding' } as const;
    expect(play(setting, [['a', 1], { w: 9 }, { w: 20 }, 'end']).results).toEqual(['1: a [0,10) r0: 1']);
  });
});
