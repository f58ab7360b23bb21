import { describe, expect, it } from 'vitest';
import { play } from '../../support/play.ts';

/** Cases that other engines' own tests and documentation publish, where their semantics are these. Facts only. */

/** The windows of times, as a window function alone sees them: all at the end of input. */
function windowsOf(window: object, times: readonly number[]): readonly string[] {
  const moves = times.map((time) => ['k', time] as const);
  return play({ window }, [...moves, 'end']).results.map((result) => result.replace(/^\d+: k /, ''));
}

describe('window functions of Apache Beam', () => {
  const times = [1, 2, 5, 9, 10, 11];

  it('fixed windows with an offset', () => {
    const window = { type: 'tumbling', sizeMs: 10, offsetMs: 5 };
    expect(windowsOf(window, times)).toEqual(['[-5,5) r0: 1 2', '[5,15) r0: 5 9 10 11']);
  });

  it('sliding windows, which hop here', () => {
    const window = { type: 'hopping', sizeMs: 10, slideMs: 5 };
    const expected = ['[-5,5) r0: 1 2', '[0,10) r0: 1 2 5 9', '[5,15) r0: 5 9 10 11', '[10,20) r0: 10 11'];
    expect(windowsOf(window, times)).toEqual(expected);
  });

  it('sliding windows whose period does not divide their size', () => {
    const window = { type: 'hopping', sizeMs: 7, slideMs: 5 };
    const expected = ['[-5,2) r0: 1', '[0,7) r0: 1 2 5', '[5,12) r0: 5 9 10 11', '[10,17) r0: 10 11'];
    expect(windowsOf(window, times)).toEqual(expected);
  });

  it('sliding windows with an offset', () => {
    const window = { type: 'hopping', sizeMs: 10, slideMs: 5, offsetMs: 2 };
    const expected = ['[-8,2) r0: 1', '[-3,7) r0: 1 2 5', '[2,12) r0: 2 5 9 10 11', '[7,17) r0: 9 10 11'];
    expect(windowsOf(window, times)).toEqual(expected);
  });

  it('sliding windows with gaps between them', () => {
    const window = { type: 'hopping', sizeMs: 3, slideMs: 10 };
    const expected = ['[0,3) r0: 1 2', '[10,13) r0: 10 11', '[100,103) r0: 100'];
    expect(windowsOf(window, [1, 2, 3, 5, 9, 10, 11, 100])).toEqual(expected);
  });

  it('sessions of consecutive events', () => {
    const window = { type: 'session', gapMs: 10 };
    expect(windowsOf(window, [1, 2, 5, 9, 100, 101])).toEqual(['[1,19) r0: 1 2 5 9', '[100,111) r0: 100 101']);
  });
});

describe('the window operator of Apache Flink', () => {
  const elements = [
    ['key2', 3999],
    ['key2', 3000],
    ['key1', 20],
    ['key1', 0],
    ['key1', 999],
    ['key2', 1998],
    ['key2', 1999],
    ['key2', 1000],
  ] as const;
  const watermarks = [999, 1999, 2999, 3999, 4999, 5999, 6999, 7999].map((w) => ({ w }));
  /** `watermark key count` of each result. Keys of one window are in no order there, and in that of their appearance here. */
  const counted = (results: readonly string[]): readonly string[] =>
    results.map((result) => {
      const [, after = '', key = '', times = ''] = /^(\d+): (\S+) \S+ r0: (.*)$/.exec(result) ?? [];
      return `${watermarks[Number(after) - elements.length]?.w} ${key} ${times.split(' ').length}`;
    });

  it('counts in tumbling windows of three seconds', () => {
    const { results } = play({ window: { type: 'tumbling', sizeMs: 3000 } }, [...elements, ...watermarks]);
    expect(counted(results)).toEqual(['2999 key2 3', '2999 key1 3', '5999 key2 2']);
  });

  it('counts in windows of three seconds every second', () => {
    const window = { type: 'hopping', sizeMs: 3000, slideMs: 1000 };
    const expected = [
      '999 key1 3',
      '1999 key2 3',
      '1999 key1 3',
      '2999 key2 3',
      '2999 key1 3',
      '3999 key2 5',
      '4999 key2 2',
      '5999 key2 2',
    ];
    expect(counted(play({ window }, [...elements, ...watermarks]).results)).toEqual(expected);
  });

  it('merges sessions of three seconds', () => {
    const { results } = play({ window: { type: 'session', gapMs: 3000 } }, [
      ['key2', 0],
      ['key2', 1000],
      ['key2', 2500],
      ['key1', 10],
      ['key1', 1000],
      ['key1', 2500],
      ['key2', 5501],
      ['key2', 6000],
      ['key2', 6000],
      ['key2', 6050],
      { w: 12_000 },
      ['key2', 15_000],
      ['key2', 15_000],
      { w: 17_999 },
    ]);
    expect(results).toEqual([
      '10: key2 [0,5500) r0: 0 1000 2500',
      '10: key1 [10,5500) r0: 10 1000 2500',
      '10: key2 [5501,9050) r0: 5501 6000 6000 6050',
      '13: key2 [15000,18000) r0: 15000 15000',
    ]);
  });

  it('fires again for late elements within the allowed lateness, and gives the others to the side', () => {
    const { results, late } = play({ window: { type: 'tumbling', sizeMs: 2000 }, allowedLatenessMs: 500 }, [
      ['key2', 500],
      { w: 1500 },
      ['key2', 1300],
      { w: 2300 },
      ['key2', 1997],
      { w: 6000 },
      ['key2', 1998],
      { w: 7000 },
    ]);
    expect(results).toEqual(['3: key2 [0,2000) r0: 500 1300', '4: key2 [0,2000) r1: 500 1300 1997']);
    expect(late).toEqual(['6: key2 1998']);
  });
});

describe('sliding windows of Kafka Streams', () => {
  // A time difference of 5000 ms, both ends inclusive: 5001 ms. Of its windows these are the ones that end with an event.
  it('look back from each event', () => {
    const { results } = play({ window: { type: 'sliding', sizeMs: 5001 } }, [
      ['A', 8000],
      ['A', 9200],
      ['A', 12_400],
      'end',
    ]);
    expect(results).toEqual([
      '3: A [3000,8001) r0: 8000',
      '3: A [4200,9201) r0: 8000 9200',
      '3: A [7400,12401) r0: 8000 9200 12400',
    ]);
  });

  // Difference 5 ms, grace 15 ms. When 5 and 7 come, their own windows are closed; those of 10, 11 and 13 are not.
  it('take in what comes after its own window has closed', () => {
    const setting = { window: { type: 'sliding', sizeMs: 6 }, watermarks: 'perEvent', allowedLatenessMs: 15 } as const;
    const times = [10, 11, 10, 13, 10, 24, 5, 7, 90];
    const { results, late } = play(setting, [...times.map((time) => ['k1', time] as const), 'end']);
    const last = new Map(
      results.map((result) => [/\[.*\)/.exec(result)?.[0], result.split(': ')[2]?.split(' ').length]),
    );
    expect([...last]).toEqual([
      ['[5,11)', 5],
      ['[6,12)', 5],
      ['[8,14)', 5],
      ['[19,25)', 1],
      ['[85,91)', 1],
    ]);
    expect(late).toEqual([]);
  });
});

describe('sliding windows of Quix Streams', () => {
  // Duration 10 ms, both ends inclusive, no grace: 23 closes [12,22], and the second 22 goes into [13,23] alone.
  it('take in what comes after its own window has expired', () => {
    const setting = { window: { type: 'sliding', sizeMs: 11 }, watermarks: 'perEvent' } as const;
    const { results, late } = play(setting, [['key', 22], ['key', 23], ['key', 22], 'end']);
    expect(results).toEqual(['1: key [12,23) r0: 22', '3: key [13,24) r0: 22 23 22']);
    expect(late).toEqual([]);
  });
});

describe('sessions of Apache Flink', () => {
  const moves = [
    ['key2', 1000],
    ['key2', 2000],
    ['key2', 4500],
    ['key2', 8500],
    { w: 7400 },
    ['key2', 7000],
    { w: 11_501 },
    ['key2', 11_600],
    { w: 14_600 },
    ['key2', 10_000],
    ['key2', 14_500],
    { w: 20_000 },
  ] as const;
  const window = { type: 'session', gapMs: 3000 };

  it('drop what would join a session that is gone, and begin another', () => {
    const { results, late } = play({ window }, moves);
    expect(results).toEqual([
      '6: key2 [1000,11500) r0: 1000 2000 4500 8500 7000',
      '8: key2 [11600,14600) r0: 11600',
      '11: key2 [14500,17500) r0: 14500',
    ]);
    expect(late).toEqual(['9: key2 10000']);
  });

  it('take it in, and fire at once, where a little lateness is allowed', () => {
    const { results } = play({ window, allowedLatenessMs: 10 }, moves);
    expect(results.slice(2)).toEqual([
      '9: key2 [10000,14600) r1: 11600 10000',
      '11: key2 [10000,17500) r2: 11600 10000 14500',
    ]);
  });

  it('merge two that have fired, where much is', () => {
    const { results } = play({ window, allowedLatenessMs: 10_000 }, moves);
    expect(results.slice(2)).toEqual([
      '9: key2 [1000,14600) r1: 1000 2000 4500 8500 7000 11600 10000',
      '11: key2 [1000,17500) r2: 1000 2000 4500 8500 7000 11600 10000 14500',
    ]);
  });
});
