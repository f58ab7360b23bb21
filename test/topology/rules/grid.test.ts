import { describe, expect, it } from 'vitest';
import { play } from '../../support/play.ts';

const TUMBLING = { type: 'tumbling', sizeMs: 10 };
const HOPPING = { type: 'hopping', sizeMs: 10, slideMs: 5 };

describe('windows of a grid', () => {
  // time     0         10        20
  // windows  [---------)[--------)
  // events   0        9 10
  it('are half-open: start inclusive, end exclusive', () => {
    const { results } = play({ window: TUMBLING }, [['a', 0], ['a', 9], ['a', 10], 'end']);
    expect(results).toEqual(['3: a [0,10) r0: 0 9', '3: a [10,20) r0: 10']);
  });

  // time     -20       -10       0
  // windows  [---------)[--------)
  // events     -11     -10      -1
  it('start at offset + n · slide for negative n too, by floor division', () => {
    const { results } = play({ window: TUMBLING }, [['a', -1], ['a', -10], ['a', -11], 'end']);
    expect(results).toEqual(['3: a [-20,-10) r0: -11', '3: a [-10,0) r0: -1 -10']);
  });

  // time     -3        7         17
  // windows  [---------)[--------)
  // events            6 7
  it('are moved by their offset, to either side', () => {
    const moves = [['a', 6], ['a', 7], 'end'] as const;
    const moved = ['2: a [-3,7) r0: 6', '2: a [7,17) r0: 7'];
    expect(play({ window: { ...TUMBLING, offsetMs: -3 } }, moves).results).toEqual(moved);
    expect(play({ window: { ...TUMBLING, offsetMs: 7 } }, moves).results).toEqual(moved);
  });

  // time     0    5    10   15
  // windows  [---------)
  //               [---------)
  // events      3    7
  it('overlap where they hop: an event is in size / slide of them', () => {
    const { results } = play({ window: HOPPING }, [['a', 3], ['a', 7], 'end']);
    expect(results).toEqual(['2: a [-5,5) r0: 3', '2: a [0,10) r0: 3 7', '2: a [5,15) r0: 7']);
  });

  // time     0    4    10   14   20
  // windows  [----)    [----)    [----)
  // events    1      7        14  20
  it('leave gaps where the slide is above the size: events there are neither results nor late', () => {
    const window = { type: 'hopping', sizeMs: 4, slideMs: 10 };
    const { results, late } = play({ window }, [['a', 1], ['a', 7], ['a', 14], ['a', 20], 'end']);
    expect(results).toEqual(['4: a [0,4) r0: 1', '4: a [20,24) r0: 20']);
    expect(late).toEqual([]);
    // Not even when the watermark has long passed the gap.
    expect(play({ window }, [{ w: 100 }, ['a', 7]]).late).toEqual([]);
  });

  // size 7, slide 3: ends fall between starts
  // time     -6 -3 0  3  6  9
  // windows  [------)        [-6,1)
  //             [------)     [-3,4)
  //                [------)  [0,7)
  it('hop by a slide that does not divide the size', () => {
    const window = { type: 'hopping', sizeMs: 7, slideMs: 3 };
    const { results } = play({ window }, [['a', 0], ['a', 3], ['a', 1], 'end']);
    expect(results).toEqual([
      '3: a [-6,1) r0: 0',
      '3: a [-3,4) r0: 0 3 1',
      '3: a [0,7) r0: 0 3 1',
      '3: a [3,10) r0: 3',
    ]);
  });
});

describe('completion', () => {
  // time       0         10
  // window     [---------)
  // watermarks          8 9
  it('is when the watermark reaches end − 1, not before', () => {
    const { results, watermarks } = play({ window: TUMBLING }, [['a', 1], { w: 8 }, { w: 9 }]);
    expect(results).toEqual(['2: a [0,10) r0: 1']);
    expect(watermarks).toEqual([null, 8, 9]);
  });

  // time     0         10        20   …   1000000
  // windows  [1--------)[11------)         [1000000
  it('comes to every window that holds events, however far time jumps, and to no other', () => {
    const setting = { window: TUMBLING, watermarks: 'perEvent', outOfOrdernessMs: 30 } as const;
    const { results } = play(setting, [
      ['a', 1],
      ['a', 11],
      ['b', 2],
      ['a', 1_000_000],
    ]);
    expect(results).toEqual(['3: a [0,10) r0: 1', '3: b [0,10) r0: 2', '3: a [10,20) r0: 11']);
  });

  it('does not come to windows that are open at the end of a file without endOfInput', () => {
    expect(play({ window: TUMBLING }, [['a', 1], { w: 8 }]).results).toEqual([]);
    expect(play({ window: TUMBLING }, [['a', 1], { w: 8 }, 'end']).results).toEqual(['2: a [0,10) r0: 1']);
  });

  it('is not undone: a watermark that would go back is ignored', () => {
    const { results, late, watermarks } = play({ window: TUMBLING }, [['a', 1], { w: 9 }, { w: 3 }, ['a', 2]]);
    expect(watermarks).toEqual([null, 9, 9, 9]);
    expect(results).toEqual(['1: a [0,10) r0: 1']);
    expect(late).toEqual(['3: a 2']);
  });

  // perEvent: the watermark is the latest time − outOfOrderness − 1, over all keys
  // time      0         10   13
  // events    a1        …    b13, which leaves 9: [0,10) of a is complete
  it('follows the events of all keys, less the disorder that is allowed', () => {
    const setting = { window: TUMBLING, watermarks: 'perEvent', outOfOrdernessMs: 3 } as const;
    const { results, watermarks } = play(setting, [
      ['a', 1],
      ['b', 12],
      ['a', 5],
      ['b', 13],
    ]);
    expect(watermarks).toEqual([-3, 8, 8, 9]);
    expect(results).toEqual(['3: a [0,10) r0: 1 5']);
  });

  it('follows watermark entries beside the events', () => {
    const { watermarks } = play({ window: TUMBLING, watermarks: 'perEvent' }, [
      ['a', 1],
      { w: 20 },
      ['a', 15],
      ['a', 30],
    ]);
    expect(watermarks).toEqual([0, 20, 20, 29]);
  });
});

describe('the order of the results of one entry', () => {
  // hopping 10 by 5, lateness 100: an event at 3 is in [-5,5) and [0,10), both complete at 9
  it('has the windows that the event fires again first, by start; then those that complete', () => {
    const setting = { window: HOPPING, watermarks: 'perEvent', allowedLatenessMs: 100, outOfOrdernessMs: 0 } as const;
    const { results } = play(setting, [
      ['a', 10],
      ['a', 3],
      ['a', 40],
    ]);
    expect(results).toEqual(['1: a [-5,5) r0: 3', '1: a [0,10) r0: 3', '2: a [5,15) r0: 10', '2: a [10,20) r0: 10']);
  });

  it('has completions by end, then start, then the first appearance of the key in the input', () => {
    const { results } = play({ window: HOPPING }, [['c', 100], ['b', 12], ['a', 3], ['c', 4], ['a', 13], 'end']);
    expect(results.slice(0, 6)).toEqual([
      '5: c [-5,5) r0: 4',
      '5: a [-5,5) r0: 3',
      '5: c [0,10) r0: 4',
      '5: a [0,10) r0: 3',
      '5: b [5,15) r0: 12',
      '5: a [5,15) r0: 13',
    ]);
  });

  it('has null as a key of its own, which is not the text null', () => {
    const { results } = play({ window: TUMBLING }, [[null, 1], ['null', 2], ['', 3], [null, 4], 'end']);
    expect(results).toEqual(['4: null [0,10) r0: 1 4', '4: null [0,10) r0: 2', '4:  [0,10) r0: 3']);
  });
});
