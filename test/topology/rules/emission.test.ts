import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  hopping,
  keyBy,
  session,
  sliding,
  topology,
  tumbling,
  type WindowDefinition,
  watermark,
  window,
} from '../../../src/index.ts';
import { Drive } from '../../support/drive.ts';

type Behaviour = Parameters<typeof window>[1];

/** Rows as `[start,end) r<revision>: <count> <mark>`, for events at these milliseconds; `flush` flushes. */
function play(definition: WindowDefinition, behaviour: Behaviour, events: readonly (number | 'flush')[]): string[] {
  const driver = new Drive(
    topology({
      name: 'played',
      version: 1,
      inputs: { ticks: 'ticks' },
      build: ({ ticks }) => ({
        played: ticks.pipe(
          watermark(bounded(0)),
          keyBy('instrument'),
          window([definition], behaviour),
          aggregate({ n: count() }),
        ),
      }),
    }),
  );
  for (const event of events) {
    if (event === 'flush') driver.flush();
    else driver.feed([{ instrument: 'a', eventTime: event * 1_000, price: 1, size: 1, sequence: null }]);
  }
  return driver.results.map(({ start, end, revision, n, final, deleted }) => {
    const mark = deleted === true ? ' taken back' : final === true ? '' : ' provisional';
    return `[${Math.ceil(Number(start) / 1_000)},${Math.ceil(Number(end) / 1_000)}) r${revision}: ${n}${mark}`;
  });
}

describe('on each change', () => {
  const eachChange = { emit: 'eachChange' } as const;

  // time     0         10        20
  // windows  [---------)[--------)
  // events    1  4       12
  it('a window shows what it holds after each of its records, and is final at completion though nothing has changed', () => {
    expect(play(tumbling('10ms'), eachChange, [1, 4, 12])).toEqual([
      '[0,10) r0: 1 provisional',
      '[0,10) r1: 2 provisional',
      '[10,20) r0: 1 provisional',
      '[0,10) r2: 2',
    ]);
  });

  it('the windows that overlap show it by start', () => {
    expect(play(hopping('10ms', '5ms'), eachChange, [7, 13])).toEqual([
      '[0,10) r0: 1 provisional',
      '[5,15) r0: 1 provisional',
      '[5,15) r1: 2 provisional',
      '[10,20) r0: 1 provisional',
      '[0,10) r1: 1',
    ]);
  });

  // events   0 .. 4        gap 5
  // session  [----)  then [0,9)
  it('a session that grows takes back what it has shown', () => {
    expect(play(session('5ms'), eachChange, [0, 4, 20])).toEqual([
      '[0,5) r0: 1 provisional',
      '[0,5) r1: 1 taken back',
      '[0,9) r1: 2 provisional',
      '[20,25) r0: 1 provisional',
      '[0,9) r2: 2',
    ]);
  });

  it('a look-back window shows it once, and again when it is complete', () => {
    expect(play(sliding('5ms'), eachChange, [3, 6])).toEqual([
      '[-1,4) r0: 1 provisional',
      '[2,7) r0: 2 provisional',
      '[-1,4) r1: 1',
    ]);
  });

  it('a late record revises a complete window for good', () => {
    const rows = play(tumbling('10ms'), { ...eachChange, allowedLatenessMs: 5 }, [1, 12, 4]);
    expect(rows.slice(-2)).toEqual(['[0,10) r1: 1', '[0,10) r2: 2']);
  });
});

describe('every so much event time', () => {
  const every4 = { emit: { everyMs: 4 } } as const;

  // time      0   4   8   12
  // window    [---------)       10
  // events     1  5 6  9  12
  it('windows that have changed show what they hold, when the watermark passes a multiple', () => {
    expect(play(tumbling('10ms'), every4, [1, 5, 6, 9, 12])).toEqual([
      // The watermark goes past 4 with the event at 5, which is in by then; past 8 with that at 9; the one at 12 completes it.
      '[0,10) r0: 2 provisional',
      '[0,10) r1: 4 provisional',
      '[0,10) r2: 4',
      '[10,20) r0: 1 provisional',
    ]);
  });

  it('what has not changed is not shown again, however far time jumps', () => {
    expect(play(tumbling('100ms'), every4, [1, 5, 50, 51])).toEqual([
      '[0,100) r0: 2 provisional',
      '[0,100) r1: 3 provisional',
    ]);
  });

  it('a flush makes final what was shown, once', () => {
    expect(play(tumbling('100ms'), every4, [1, 5, 'flush', 'flush'])).toEqual([
      '[0,100) r0: 2 provisional',
      '[0,100) r1: 2',
    ]);
  });
});

describe('discarding windows that look back', () => {
  const discarding = { accumulation: 'discarding' } as const;

  // windows  [-3,2) of 1, complete when 3 comes; [-1,4) of 3, and later [0,5) of 4
  it('show at a flush all that they look back on, and at completion what has come since', () => {
    expect(play(sliding('5ms'), discarding, [1, 3, 'flush', 3, 'flush', 'flush', 4, 9])).toEqual([
      '[-3,2) r0: 1',
      '[-1,4) r0: 2',
      '[-1,4) r1: 1',
      '[0,5) r0: 4',
    ]);
  });

  it('that were flushed keep apart, until they are complete, what has come since', () => {
    expect(play(sliding('5ms'), { ...discarding, emit: 'final' }, [4, 'flush', 4, 4, 9])).toEqual([
      '[0,5) r0: 1',
      '[0,5) r1: 2',
    ]);
  });

  it('show what is new in each, on each change', () => {
    expect(play(sliding('5ms'), { ...discarding, emit: 'eachChange' }, [3, 3, 9])).toEqual([
      '[-1,4) r0: 1 provisional',
      '[-1,4) r1: 1 provisional',
      '[5,10) r0: 1 provisional',
    ]);
  });
});

describe('a definition that makes no sense is refused', () => {
  it.each([[{ emit: { everyMs: 0 } }], [{ emit: { everyMs: 1.5 } }]] as const)('%j', (behaviour) => {
    expect(() => window([tumbling('1s')], behaviour)).toThrow(expect.objectContaining({ code: 'TM_WINDOW' }));
  });
});
