import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  hopping,
  keyBy,
  session,
  sum,
  TopologyTestDriver,
  topology,
  tumbling,
  type WindowDefinition,
  watermark,
  window,
} from '../../src/index.ts';

const MS = 1_000;

function topologyOf(windows: readonly WindowDefinition[], outOfOrdernessMs: number) {
  return topology({
    name: 'counted',
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      counted: ticks.pipe(
        watermark(bounded(outOfOrdernessMs)),
        keyBy('instrument'),
        window(windows, { allowedLatenessMs: 1_000 }),
        aggregate({ size: sum('size'), count: count() }),
      ),
    }),
  });
}

function at(ms: number, instrument = 'a') {
  return { instrument, eventTime: ms * MS, price: 1, size: 0.1 };
}

/** Emissions as `interval [start,end) revision: count size`, times in milliseconds; `-` before those that are taken back. */
function read(driver: TopologyTestDriver): string[] {
  return driver.read('counted').map(({ deleted, interval, start, end, revision, count: n, size }) => {
    const window = `${interval} [${Number(start) / MS},${Number(end) / MS})`;
    return `${deleted ? '-' : ''}${window} r${revision}: ${n} ${size}`;
  });
}

describe('fired sessions', () => {
  // time     0         10        20        30
  // fired    [0--------)         [20-------)        watermark 39
  // tick               10: a gap away from both
  it('are taken back, with what they held and their next revision, where a late record merges them', () => {
    const driver = new TopologyTestDriver(topologyOf([session('10ms')], 0)).feed('ticks', [at(0), at(20), at(40)]);
    expect(read(driver)).toEqual(['session/10ms [0,10) r0: 1 0.1', 'session/10ms [20,30) r0: 1 0.1']);
    driver.feed('ticks', [at(10)]);
    expect(read(driver)).toEqual([
      '-session/10ms [0,10) r1: 1 0.1',
      '-session/10ms [20,30) r1: 1 0.1',
      // 10 + 10 reaches 20, and 20 + 10 reaches no further than 30: the one of 40 stays by itself.
      'session/10ms [0,30) r1: 3 0.3',
    ]);
  });
});

describe('the state of windows', () => {
  it('is whole in a snapshot: after any record, what comes next is the same', () => {
    const windows = [tumbling('10ms'), hopping('20ms', '5ms'), session('3ms')];
    const built = topologyOf(windows, 2);
    const ticks = Array.from({ length: 60 }, (_, i) => at(((i * 37) % 23) + i * 3, i % 3 === 0 ? 'b' : 'a'));
    const whole = new TopologyTestDriver(built).feed('ticks', ticks).flush().end();
    const expected = read(whole);
    expect(expected.some((row) => row.startsWith('-'))).toBe(true);
    for (let cut = 0; cut <= ticks.length; cut++) {
      const before = new TopologyTestDriver(built).feed('ticks', ticks.slice(0, cut));
      const after = TopologyTestDriver.restore(built, before.snapshot());
      after.feed('ticks', ticks.slice(cut)).flush().end();
      expect([...read(before), ...read(after)]).toEqual(expected);
    }
  });
});
