import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  external,
  globally,
  hopping,
  keyBy,
  reorder,
  session,
  sliding,
  TopologyTestDriver,
  topology,
  tumbling,
  union,
  type WindowDefinition,
  watermark,
  window,
} from '../../src/index.ts';

/*
 * Times are seconds after noon; watermarks are 1 us before them.
 */
const SECOND = 1_000_000;
const NOON = Date.UTC(2026, 0, 5, 12) * 1_000;
const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
const fields = [
  { name: 'key', type: 'string' },
  { name: 'at', type: time },
] as const;
const schema = { type: 'record', name: 'Event', fields } as const;
const events = { topic: 'events', schema, time: 'at' };
const quotes = { topic: 'quotes', schema, time: 'at' };

const at = (second: number): number => NOON + second * SECOND;
const row = (second: number, key = 'a') => ({ key, at: at(second) });

interface Behaviour {
  readonly allowedLatenessMs?: number;
  readonly accumulation?: 'accumulating' | 'discarding';
}

const counts = (definition: WindowDefinition, behaviour: Behaviour = {}) =>
  topology({
    name: 'counts',
    version: 1,
    inputs: { events },
    build: ({ events: source }) => ({
      counts: source.pipe(
        watermark(bounded(0)),
        keyBy('key'),
        window([tumbling('1h'), definition], { allowedLatenessMs: 30_000, ...behaviour }),
        aggregate({ n: count() }),
      ),
    }),
  });

/** What is said of the window that holds a second, after rows of these. */
function explained(definition: WindowDefinition, seconds: readonly number[], second: number, behaviour?: Behaviour) {
  const driver = new TopologyTestDriver(counts(definition, behaviour));
  driver.feed(
    'events',
    seconds.map((each) => row(each)),
  );
  return driver.explain('counts', { key: 'a', interval: definition.interval, atMicros: at(second) });
}

describe('why a tumbling window has not closed', () => {
  it('is open until the watermark reaches its last microsecond', () => {
    const explanation = explained(tumbling('1m'), [10, 53, 40], 20);
    expect(explanation).toMatchObject({
      window: {
        startMicros: at(0),
        endMicros: at(60),
        state: 'open',
        completesAtMicros: at(60) - 1,
        expiresAtMicros: at(90) - 1,
        missingMicros: 7 * SECOND,
      },
      contents: { emissions: 0, hasUnshown: true },
      watermarkMicros: at(53) - 1,
      heldBackBy: { inputs: ['events'], raisedBy: { arrival: 1, eventTimeMicros: at(53) } },
    });
    expect(explanation.text).toBe(
      'The 1m window [2026-01-05T12:00:00.000Z, 2026-01-05T12:01:00.000Z) of a is open: it is complete when the watermark ' +
        'reaches 2026-01-05T12:00:59.999999Z (2026-01-05T12:00:52.999999Z now, 7 s behind). It has not been emitted. ' +
        'Input events holds it back: the last record that moved the watermark was record 1, of 2026-01-05T12:00:53.000Z.',
    );
  });

  it('is complete at that microsecond, and expired when the lateness has passed', () => {
    const complete = explained(tumbling('1m'), [10, 60], 20);
    expect(complete).toMatchObject({
      window: { state: 'complete', missingMicros: 0 },
      contents: { emissions: 1, hasUnshown: false },
      heldBackBy: null,
    });
    expect(complete.text).toContain(
      'is complete, and takes late records until the watermark (2026-01-05T12:00:59.999999Z)',
    );
    expect(explained(tumbling('1m'), [10, 60, 89.999999], 20).window?.state).toBe('complete');
    const expired = explained(tumbling('1m'), [10, 60, 90], 20);
    expect(expired).toMatchObject({ window: { state: 'expired' }, contents: null, heldBackBy: null });
    expect(expired.text).toContain('has expired');
  });

  it('counts its emissions, also where it is emptied after each', () => {
    for (const accumulation of ['accumulating', 'discarding'] as const) {
      const { contents, text } = explained(tumbling('1m'), [10, 60, 20, 30], 20, { accumulation });
      expect(contents).toEqual({ emissions: 3, hasUnshown: false });
      expect(text).toContain('It has been emitted 3 times; nothing has come since.');
    }
  });

  it('says when there are no records of the key, or no watermark', () => {
    const driver = new TopologyTestDriver(counts(tumbling('1m')));
    const question = { key: 'a', interval: '1m', atMicros: at(0) };
    expect(driver.explain('counts', question)).toMatchObject({
      window: { state: 'open', missingMicros: Number.POSITIVE_INFINITY },
      contents: null,
      watermarkMicros: Number.NEGATIVE_INFINITY,
      heldBackBy: { inputs: ['events'], raisedBy: null },
      text: expect.stringContaining('no record has moved the watermark yet'),
    });
    driver.feed('events', [row(5, 'b')]);
    const { contents, text } = driver.explain('counts', question);
    expect(contents).toBeNull();
    expect(text).toContain('It holds no records');
    driver.advanceWatermark(at(7));
    expect(driver.explain('counts', question).text).toContain('was set from outside, to 2026-01-05T12:00:07.000Z');
    expect(driver.end().explain('counts', question)).toMatchObject({ window: { state: 'expired' } });
  });

  it('changes nothing', () => {
    const run = (asks: boolean) => {
      const driver = new TopologyTestDriver(counts(tumbling('1m')));
      for (const second of [10, 53, 40, 70, 20, 200]) {
        driver.feed('events', [row(second, `key ${second}`)]);
        for (const key of asks ? ['never seen', 'nor this'] : []) {
          driver.explain('counts', { key, interval: '1m', atMicros: at(second) });
        }
      }
      return { rows: driver.read('counts'), snapshot: driver.snapshot() };
    };
    expect(run(true)).toEqual(run(false));
  });
});

describe('why a window of another kind has not closed', () => {
  it('hopping: the last that has started', () => {
    const open = explained(hopping('1m', '10s'), [10, 53], 25);
    expect(open.window).toMatchObject({
      startMicros: at(20),
      endMicros: at(80),
      state: 'open',
      missingMicros: 27 * SECOND,
    });
    expect(open.contents).toEqual({ emissions: 0, hasUnshown: true });
    const refired = explained(hopping('1m', '10s'), [25, 80, 30], 20);
    expect(refired).toMatchObject({ window: { state: 'complete' }, contents: { emissions: 2, hasUnshown: false } });
    const emptied = explained(hopping('1m', '10s'), [25, 80, 30], 20, { accumulation: 'discarding' });
    expect(emptied.contents).toEqual({ emissions: 2, hasUnshown: false });
  });

  it('hopping with gaps: there is none in a gap', () => {
    const { window: gap, text } = explained(hopping('10s', '1m'), [5], 15);
    expect(gap).toBeNull();
    expect(text).toContain('it lies in the gap between two');
  });

  it('global: the one over all of time, which only the end of the input completes', () => {
    const unseen = explained(globally({ everyCount: 2 }), [], 12);
    expect(unseen.window?.state).toBe('open');
    expect(unseen.text).not.toContain('gap');
    const seen = explained(globally({ everyCount: 2 }), [10, 35, 40], 12);
    expect(seen.window).toMatchObject({ state: 'open', startMicros: unseen.window?.startMicros });
    expect(seen.contents).toEqual({ emissions: 1, hasUnshown: true });
  });

  it('session: with the bounds that it has now', () => {
    const { window: open } = explained(session('20s'), [10, 25, 40], 12);
    expect(open).toMatchObject({ startMicros: at(10), endMicros: at(60), state: 'open', missingMicros: 20 * SECOND });
    const fired = explained(session('20s'), [10, 35], 12);
    expect(fired).toMatchObject({ window: { state: 'complete' }, contents: { emissions: 1, hasUnshown: false } });
    expect(explained(session('20s'), [10, 35], 31).text).toContain('No session/20s window of a');
  });

  it('sliding: that of the records of the instant', () => {
    const open = explained(sliding('20s'), [10, 10, 5], 10);
    expect(open).toMatchObject({
      window: { startMicros: at(-10) + 1, endMicros: at(10) + 1, state: 'open', missingMicros: 1 },
      contents: { emissions: 0, hasUnshown: true },
    });
    const refired = explained(sliding('20s'), [10, 11, 5], 10);
    expect(refired).toMatchObject({ window: { state: 'complete' }, contents: { emissions: 2, hasUnshown: false } });
    for (const second of [9, 11]) expect(explained(sliding('20s'), [10], second).contents).toBeNull();
  });
});

const both = topology({
  name: 'both',
  version: 1,
  inputs: { events, quotes },
  build: ({ events: left, quotes: right }) => ({
    both: union(left.pipe(watermark(bounded(0))), right.pipe(watermark(bounded(1_000)), reorder())).pipe(
      keyBy('key'),
      window([tumbling('1m')]),
      aggregate({ n: count() }),
    ),
    quoted: right.pipe(watermark(external()), keyBy('key'), window([tumbling('5m')]), aggregate({ n: count() })),
  }),
});

describe('with two inputs', () => {
  const question = { key: 'a', interval: '1m', atMicros: at(20) };

  it('the one whose watermark is lower holds the window back', () => {
    const driver = new TopologyTestDriver(both)
      .feed('events', [row(70)])
      .feed('quotes', [row(52)])
      .feed('events', [row(80)]);
    expect(driver.explain('both', question)).toMatchObject({
      window: { state: 'open', missingMicros: 9 * SECOND },
      watermarkMicros: at(51) - 1,
      heldBackBy: { inputs: ['quotes'], raisedBy: { arrival: 1, eventTimeMicros: at(52) } },
      inputs: [{ inputs: ['events'], raisedBy: { arrival: 2 } }, { inputs: ['quotes'] }],
      waitingRows: 1,
    });
  });

  it('one that is idle does not', () => {
    const driver = new TopologyTestDriver(both).feed('events', [row(50)]).setActive('quotes', false);
    const { heldBackBy, text } = driver.explain('both', question);
    expect(heldBackBy?.inputs).toEqual(['events']);
    expect(text).toContain('Input quotes is idle and holds nothing back.');
    const idle = driver.setActive('events', false).explain('both', question);
    expect(idle.heldBackBy).toBeNull();
    expect(idle.text).toContain('Every input is idle');
  });

  it('tells how far the wall clock has moved it', () => {
    const driver = new TopologyTestDriver(both)
      .feed('events', [row(70)])
      .feed('quotes', [row(40)])
      .moveWallClock(1_500);
    const { heldBackBy, text } = driver.explain('both', question);
    expect(heldBackBy).toMatchObject({ inputs: ['quotes'], watermarkMicros: at(40.5) - 1, clockMicros: 1.5 * SECOND });
    expect(text).toContain('; the wall clock has moved it on by 1.5 s since.');
  });

  it('each output answers for its own steps', () => {
    const driver = new TopologyTestDriver(both).feed('quotes', [row(52)]);
    const { inputs, watermarkMicros } = driver.explain('quoted', { ...question, interval: '5m' });
    expect(inputs.map((each) => each.inputs)).toEqual([['quotes']]);
    expect(watermarkMicros).toBe(Number.NEGATIVE_INFINITY);
  });

  it('is told after a restore as before', () => {
    const driver = new TopologyTestDriver(both).feed('events', [row(70)]).feed('quotes', [row(52), row(51)]);
    const restored = TopologyTestDriver.restore(both, driver.snapshot());
    expect(restored.explain('both', question)).toEqual(driver.explain('both', question));
  });
});

describe('a question that is wrong', () => {
  const driver = new TopologyTestDriver(counts(tumbling('1m')));
  it.each([
    ['an output', 'bars', '1m', 0, 'TM_TOPOLOGY'],
    ['an interval', 'counts', '2m', 0, 'TM_TOPOLOGY'],
    ['an instant', 'counts', '1m', 0.5, 'TM_VALUE_RANGE'],
  ])('%s that there is not', (_, output, interval, atMicros, code) => {
    expect(() => driver.explain(output, { key: 'a', interval, atMicros })).toThrow(expect.objectContaining({ code }));
  });
});
