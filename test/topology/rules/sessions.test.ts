import { describe, expect, it } from 'vitest';
import { play } from '../../support/play.ts';

const window = { type: 'session', gapMs: 10 };

describe('sessions', () => {
  // time     0    5         15
  // events   0    5
  // session  [--------------)    from the first event to a gap after the last
  it('last from their first event to a gap after their last', () => {
    expect(play({ window }, [['a', 5], ['a', 0], 'end']).results).toEqual(['2: a [0,15) r0: 5 0']);
  });

  // time     0         10        20        30
  // events   0         10                    31
  it('take in an event at exactly the gap, and not one beyond it', () => {
    const { results } = play({ window }, [['a', 0], ['a', 10], ['a', 21], 'end']);
    expect(results).toEqual(['3: a [0,20) r0: 0 10', '3: a [21,31) r0: 21']);
  });

  it('are of each key by itself', () => {
    const { results } = play({ window }, [['b', 0], ['a', 4], ['b', 8], 'end']);
    expect(results).toEqual(['3: a [4,14) r0: 4', '3: b [0,18) r0: 0 8']);
  });

  // time     0         10        20        30
  // events   1st                 2nd
  //                    3rd: both are a gap away
  it('are merged by an event between them', () => {
    const { results } = play({ window }, [['a', 0], ['a', 20], ['a', 10], 'end']);
    expect(results).toEqual(['3: a [0,30) r0: 0 20 10']);
  });

  it('complete when the watermark reaches their end − 1 as it is by then', () => {
    const { results } = play({ window }, [['a', 0], { w: 8 }, ['a', 5], { w: 9 }, { w: 13 }, { w: 14 }]);
    expect(results).toEqual(['5: a [0,15) r0: 0 5']);
  });
});

describe('sessions that have fired', () => {
  // time       0         10        20
  // fired      [---------)                      watermark 9, kept while it is below 29
  // event           5: [0,15) is not complete, so it fires at completion, as revision 1
  it('grow, and fire at their new end with the next revision', () => {
    const setting = { window, allowedLatenessMs: 20 };
    const { results } = play(setting, [['a', 0], { w: 9 }, ['a', 5], { w: 13 }, { w: 14 }]);
    expect(results).toEqual(['1: a [0,10) r0: 0', '4: a [0,15) r1: 0 5']);
  });

  it('fire at once where they are complete with their new bounds', () => {
    const { results } = play({ window, allowedLatenessMs: 20 }, [['a', 0], { w: 20 }, ['a', 5], ['a', 4]]);
    expect(results).toEqual(['1: a [0,10) r0: 0', '2: a [0,15) r1: 0 5', '3: a [0,15) r2: 0 5 4']);
  });

  // time     0         10        20        30
  // fired    [0--------)r0 … r2  [20-------)r0
  // event              10: merged as 1 + the highest revision of both
  it('give a session that absorbs them 1 + the highest of their revisions', () => {
    const setting = { window, allowedLatenessMs: 100 };
    const moves = [['a', 0], ['a', 20], { w: 30 }, ['a', 0], ['a', 0], ['a', 10]] as const;
    expect(play(setting, moves).results).toEqual([
      '2: a [0,10) r0: 0',
      '2: a [20,30) r0: 20',
      '3: a [0,10) r1: 0 0',
      '4: a [0,10) r2: 0 0 0',
      '5: a [0,30) r3: 0 20 0 0 10',
    ]);
  });

  it('count alone for that: one that has not fired gives 0', () => {
    const { results } = play({ window, allowedLatenessMs: 100 }, [['a', 0], ['a', 20], ['a', 10], { w: 29 }]);
    expect(results).toEqual(['3: a [0,30) r0: 0 20 10']);
  });

  it('of which one has fired and one has not give 1 + that one’s', () => {
    const setting = { window, allowedLatenessMs: 100 };
    const { results } = play(setting, [['a', 0], ['a', 20], { w: 9 }, ['a', 10], { w: 28 }, { w: 29 }]);
    expect(results).toEqual(['2: a [0,10) r0: 0', '5: a [0,30) r1: 0 20 10']);
  });
});

describe('lateness of sessions', () => {
  // time       0         10   15
  // session    [0--------)            open
  // event      -5 alone would be [-5,5), which has expired at watermark 8; with the session it is [-5,10), which has not
  it('is judged after merging: an event that would be late alone may join a session', () => {
    const { results, late } = play({ window }, [['a', 0], { w: 8 }, ['a', -5], ['b', -5], { w: 9 }]);
    expect(results).toEqual(['4: a [-5,10) r0: 0 -5']);
    expect(late).toEqual(['3: b -5']);
  });

  it('of the merged session makes the event late, and the sessions stay as they were', () => {
    const { results, late } = play({ window }, [['a', 0], { w: 9 }, ['a', 0], ['a', 20], { w: 29 }]);
    expect(results).toEqual(['1: a [0,10) r0: 0', '4: a [20,30) r0: 20']);
    expect(late).toEqual(['2: a 0']);
  });

  it('ends a session: an event at its edge that comes after begins another', () => {
    const { results } = play({ window }, [['a', 0], { w: 9 }, ['a', 10], 'end']);
    expect(results).toEqual(['1: a [0,10) r0: 0', '3: a [10,20) r0: 10']);
  });
});

describe('discarding sessions', () => {
  it('give what is new, with bounds and revision going on', () => {
    const setting = { window, allowedLatenessMs: 100, accumulation: 'discarding' } as const;
    const { results } = play(setting, [['a', 0], { w: 9 }, ['a', 5], { w: 14 }, ['a', 6], { w: 30 }, 'end']);
    expect(results).toEqual(['1: a [0,10) r0: 0', '3: a [0,15) r1: 5', '5: a [0,16) r2: 6']);
  });

  it('keep what had not fired when they merge', () => {
    const setting = { window, allowedLatenessMs: 100, accumulation: 'discarding' } as const;
    const { results } = play(setting, [['a', 0], ['a', 20], { w: 9 }, ['a', 10], 'end']);
    expect(results).toEqual(['2: a [0,10) r0: 0', '4: a [0,30) r1: 20 10']);
  });
});
