import { describe, expect, it } from 'vitest';
import { play } from '../../support/play.ts';

const window = { type: 'sliding', sizeMs: 10 };

describe('windows that look back', () => {
  // time        -9     0 1     9 10   19
  // of 0        [------0]
  // of 9                [------9]          holds 0 too: 9 − 10 + 1 = 0
  // of 10                 [------10]       does not
  it('are one for each event time, from size − 1 before it to itself', () => {
    const { results } = play({ window }, [['a', 0], ['a', 9], ['a', 10], 'end']);
    expect(results).toEqual(['3: a [-9,1) r0: 0', '3: a [0,10) r0: 0 9', '3: a [1,11) r0: 9 10']);
  });

  it('are one for several events of one time, and of each key by itself', () => {
    const { results } = play({ window }, [['a', 5], ['b', 4], ['a', 5], 'end']);
    expect(results).toEqual(['3: b [-5,5) r0: 4', '3: a [-4,6) r0: 5 5']);
  });

  it('are complete when the watermark reaches their event', () => {
    expect(play({ window }, [['a', 5], { w: 4 }, { w: 5 }]).results).toEqual(['2: a [-4,6) r0: 5']);
  });

  it('hold events in order of arrival, those that came out of order too', () => {
    expect(play({ window }, [['a', 5], ['a', 3], 'end']).results).toEqual(['2: a [-6,4) r0: 3', '2: a [-4,6) r0: 5 3']);
  });

  // lateness 20; fired: [-4,6) of 5 and [3,13) of 12
  // event 4: its own [-5,5), and 5 and 12 look back on it
  it('are fired again by a late event that they hold, by time, its own first', () => {
    const setting = { window, allowedLatenessMs: 20 };
    const { results } = play(setting, [['a', 5], ['a', 12], { w: 12 }, ['a', 4]]);
    expect(results).toEqual([
      '2: a [-4,6) r0: 5',
      '2: a [3,13) r0: 5 12',
      '3: a [-5,5) r0: 4',
      '3: a [-4,6) r1: 5 4',
      '3: a [3,13) r1: 5 12 4',
    ]);
  });

  // lateness 3, watermark 12: [-5,5) of 4 would be kept while it is below 7, [3,13) of 12 while it is below 15
  // event 4: too late for its own window, in time for those of 10 and 12; event 0: none looks back that far
  it('expire by their own time, but an event is late only when all have expired that hold it: it goes into those that are left', () => {
    const setting = { window, allowedLatenessMs: 3 };
    const { results, late } = play(setting, [
      ['a', 12],
      { w: 12 },
      ['a', 10],
      ['a', 4],
      ['a', 0],
      { w: 15 },
      ['a', 12],
    ]);
    expect(results).toEqual([
      '1: a [3,13) r0: 12',
      '2: a [1,11) r0: 10',
      '2: a [3,13) r1: 12 10',
      '3: a [1,11) r1: 10 4',
      '3: a [3,13) r2: 12 10 4',
    ]);
    expect(late).toEqual(['4: a 0', '6: a 12']);
  });

  // watermark 20; windows of a: [11,21) of 20, which has expired, and [13,23) of 22, which is open
  it('that are open take in an event whose own window has expired, and so do those of later events', () => {
    const { results, late } = play({ window }, [
      ['a', 20],
      ['a', 22],
      { w: 20 },
      ['a', 20],
      ['a', 13],
      ['a', 23],
      'end',
    ]);
    expect(results).toEqual(['2: a [11,21) r0: 20', '6: a [13,23) r0: 20 22 20 13', '6: a [14,24) r0: 20 22 20 23']);
    expect(late).toEqual([]);
  });

  // a window that is not there yet takes nothing in: the event would be in no result, and in no ledger
  it('that only an event to come would open do not keep an event from being late, nor do those of other keys', () => {
    const { results, late } = play({ window }, [['b', 22], { w: 20 }, ['a', 19], ['a', 23], 'end']);
    expect(results).toEqual(['4: b [13,23) r0: 22', '4: a [14,24) r0: 23']);
    expect(late).toEqual(['2: a 19']);
  });

  it('that have fired and discard give a late event alone; its own window has all that it looks back on', () => {
    const setting = { window, allowedLatenessMs: 20, accumulation: 'discarding' } as const;
    const { results } = play(setting, [['a', 5], ['a', 12], { w: 12 }, ['a', 8]]);
    expect(results).toEqual(['2: a [-4,6) r0: 5', '2: a [3,13) r0: 5 12', '3: a [-1,9) r0: 5 8', '3: a [3,13) r1: 8']);
  });

  it('that discard take in an event whose own window has expired: alone where they have fired', () => {
    const setting = { window, allowedLatenessMs: 5, accumulation: 'discarding' } as const;
    const { results, late } = play(setting, [['a', 12], ['a', 15], { w: 13 }, ['a', 8], ['a', 8], { w: 15 }]);
    expect(results).toEqual([
      '2: a [3,13) r0: 12',
      '3: a [3,13) r1: 8',
      '4: a [3,13) r2: 8',
      '5: a [6,16) r0: 12 15 8 8',
    ]);
    expect(late).toEqual([]);
  });
});
