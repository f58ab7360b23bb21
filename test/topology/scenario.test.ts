import { describe, expect, it } from 'vitest';
import { runScenarioText } from '../../src/topology/scenario/runScenario.ts';

const event = (timestampMs: number, value: unknown = null, key: unknown = 'a') => ({
  kind: 'event',
  key,
  timestampMs,
  value,
});
const END = { kind: 'endOfInput' };
const VALID = {
  id: 'tried',
  window: { type: 'tumbling', sizeMs: 10 },
  watermarks: 'perEvent',
  aggregates: { n: { fn: 'count' } },
  input: [event(1), event(11)],
};

/** What a scenario gives, parsed; `changes` are keys of the whole. */
function outcome(changes: Readonly<Record<string, unknown>>) {
  const { line, ok } = runScenarioText(JSON.stringify({ ...VALID, ...changes }), 100);
  expect(line).not.toContain('\n');
  return { ...(JSON.parse(line) as { readonly error?: { code: string; message: string } }), ok, line };
}

/** The values of the only window of events at one instant. */
function valuesOf(aggregate: unknown, values: readonly unknown[]): string | undefined {
  const { line } = outcome({ aggregates: { v: aggregate }, input: [...values.map((value) => event(1, value)), END] });
  return /"values":(\{.*?\})\}\],"late"/.exec(line)?.[1];
}

describe('a scenario that is not valid says so in place of its results', () => {
  const scenario = (what: string, changes: Readonly<Record<string, unknown>>, message: RegExp) =>
    [what, 'TM_SCENARIO', changes, message] as const;
  const windows = (what: string, changes: Readonly<Record<string, unknown>>, message: RegExp) =>
    [what, 'TM_WINDOW', changes, message] as const;
  const window = (type: string, rest: object) => ({ window: { type, ...rest } });
  const one = (entry: unknown) => ({ input: [entry] });

  it.each([
    scenario('an unknown key', { sizeMs: 1 }, /has no key "sizeMs"/),
    scenario('an unknown key of the window', window('tumbling', { sizeMs: 1, slideMs: 1 }), /window.*"slideMs"/),
    scenario('an offset of a session', window('session', { gapMs: 1, offsetMs: 0 }), /window.*"offsetMs"/),
    scenario('an offset of a sliding window', window('sliding', { sizeMs: 1, offsetMs: 0 }), /window.*"offsetMs"/),
    scenario('an unknown key of an aggregate', { aggregates: { n: { fn: 'sum', of: 'x' } } }, /\["n"\].*"of"/),
    scenario('an unknown key of an event', one({ ...event(1), time: 2 }), /input\[0\].*"time"/),
    scenario('a key of a watermark', one({ kind: 'watermark', timestampMs: 1, key: 'a' }), /input\[0\].*"key"/),
    scenario('a time of the end', one({ ...END, timestampMs: 1 }), /input\[0\].*"timestampMs"/),
    scenario('no window', { window: undefined }, /window/),
    scenario('no watermarks', { watermarks: undefined }, /watermarks/),
    scenario('no aggregates', { aggregates: undefined }, /aggregates/),
    scenario('no input', { input: undefined }, /input/),
    scenario('no size', window('tumbling', {}), /sizeMs/),
    scenario('no slide', window('hopping', { sizeMs: 1 }), /slideMs/),
    scenario('no gap', window('session', {}), /gapMs/),
    scenario('an entry that is no object', one(null), /^input\[0\] must be object/),
    scenario('a kind that is no text', one({ kind: 5 }), /^input\[0\]\.kind must be string/),
    scenario('no key of an event', one({ kind: 'event', timestampMs: 1 }), /input\[0\].*key/),
    scenario('no time of an event', one({ kind: 'event', key: 'a' }), /input\[0\].*timestampMs/),
    scenario('a key that is a number', one(event(1, null, 7)), /input\[0\]\.key/),
    scenario('an unknown window', window('session2', { gapMs: 1 }), /tumbling, hopping, session, sliding/),
    scenario('an unknown kind of entry', one({ kind: 'flush' }), /event, watermark, endOfInput/),
    scenario('other watermarks', { watermarks: 'periodic' }, /explicit, perEvent/),
    scenario('another accumulation', { accumulation: 'retracting' }, /accumulating, discarding/),
    scenario('an unknown function', { aggregates: { n: { fn: 'median' } } }, /aggregates\["n"\]\.fn.*count, sum/),
    scenario('no function', { aggregates: { n: {} } }, /aggregates\["n"\].*fn/),
    scenario('an empty field name', { aggregates: { n: { fn: 'sum', field: '' } } }, /field/),
    scenario('a null field name', { aggregates: { n: { fn: 'sum', field: null } } }, /field/),
    scenario('an aggregate with a line break in its name', { aggregates: { 'a\nb': { fn: 'x' } } }, /"a\\nb"/),
    scenario('nulls of a sum', { aggregates: { n: { fn: 'sum', nulls: 'keep' } } }, /first and last/),
    scenario('other nulls', { aggregates: { n: { fn: 'first', nulls: 'skip' } } }, /nulls/),
    scenario('a time that is not whole', one(event(1.5)), /input\[0\]\.timestampMs.*integer/),
    scenario('a time that is a text', one({ ...event(1), timestampMs: '1' }), /input\[0\]\.timestampMs/),
    scenario('a time beyond 2^53 / 1000', one(event(9_007_199_254_741)), /input\[0\]\.timestampMs/),
    scenario('a time below -2^53 / 1000', one(event(-9_007_199_254_741)), /input\[0\]\.timestampMs/),
    scenario('a size that is not whole', window('tumbling', { sizeMs: 0.5 }), /sizeMs.*integer/),
    scenario('a lateness that is not whole', { allowedLatenessMs: 0.5 }, /allowedLatenessMs.*integer/),
    scenario('a negative out-of-orderness', { outOfOrdernessMs: -1 }, /outOfOrdernessMs is negative/),
    scenario('an event after the end', { input: [END, event(1)] }, /input\[1\] comes after endOfInput/),
    scenario('a second end', { input: [END, END] }, /input\[1\] comes after endOfInput/),
    scenario('a text where a sum needs numbers', { aggregates: { v: { fn: 'sum' } }, input: [event(1, 'x')] }, /"x"/),
    scenario('a boolean for max', { aggregates: { v: { fn: 'max' } }, input: [event(1, true)] }, /true/),
    scenario('an object for avg', { aggregates: { v: { fn: 'avg' } }, input: [event(1, { a: 1 })] }, /\{"a":1\}/),
    scenario('a list for variance', { aggregates: { v: { fn: 'variance' } }, input: [event(1, [])] }, /\[\]/),
    scenario('a sum past 10^36', { aggregates: { v: { fn: 'sum' } }, input: [event(1, 1e37)] }, /1e36/),
    scenario('a sum of 37 decimals', { aggregates: { v: { fn: 'sum' } }, input: [event(1, 1e-37)] }, /36 decimals/),
    windows('a size of zero', window('tumbling', { sizeMs: 0 }), /window\.sizeMs is 0/),
    windows('a negative slide', window('hopping', { sizeMs: 1, slideMs: -1 }), /window\.slideMs is -1/),
    windows('a gap of zero', window('session', { gapMs: 0 }), /window\.gapMs is 0/),
    windows('a negative look-back', window('sliding', { sizeMs: -5 }), /window\.sizeMs is -5/),
    windows('an offset of the size', window('tumbling', { sizeMs: 10, offsetMs: 10 }), /offsetMs is 10/),
    windows('an offset of minus the slide', window('hopping', { sizeMs: 10, slideMs: 5, offsetMs: -5 }), /is -5/),
    windows('a negative lateness', { allowedLatenessMs: -1 }, /allowedLatenessMs is negative/),
  ])('%s', (_, code, changes, message) => {
    const { error, ok } = outcome(changes);
    expect(error).toEqual({ code, message: expect.stringMatching(message) });
    expect(ok).toBe(false);
  });

  it.each([
    ['what is not JSON', '{"id": "x",', null],
    ['nothing', '', null],
    ['a list', '[]', null],
    ['an id that is no text', '{"id": 7}', null],
    ['an object that says only who it is', '{"id": "x"}', 'x'],
    ['a number that no double holds', JSON.stringify(VALID).replace('"value":null', '"value":1e400'), 'tried'],
    ['a value nested too deep', JSON.stringify(VALID).replace('null', '['.repeat(9_999) + ']'.repeat(9_999)), 'tried'],
    ['a key named __proto__', JSON.stringify(VALID).replace('{', '{"__proto__": 1,'), 'tried'],
  ])('%s', (_, text, id) => {
    const { line, ok } = runScenarioText(text, 1);
    expect(JSON.parse(line)).toEqual({ id, error: { code: 'TM_SCENARIO', message: expect.any(String) } });
    expect(ok).toBe(false);
  });

  it('but an offset just below the slide, and zero lateness, are valid', () => {
    expect(outcome({ window: { type: 'tumbling', sizeMs: 10, offsetMs: -9 }, allowedLatenessMs: 0 }).ok).toBe(true);
  });
});

describe('the functions of a scenario', () => {
  it.each<readonly [string, unknown, readonly unknown[], string]>([
    ['count takes nulls', { fn: 'count' }, [1, null, 'x'], '{"v":3}'],
    ['count of a field leaves them out', { fn: 'count', field: 'a' }, [{ a: 0 }, { a: null }, {}, 5], '{"v":1}'],
    ['count of a field that no event has', { fn: 'count', field: 'a' }, [{}], '{"v":0}'],
    ['sum is exact', { fn: 'sum' }, [0.1, 0.2, 1e15], '{"v":1000000000000000.3}'],
    ['sum has every digit', { fn: 'sum' }, [9007199254740991, 1e-7, 1e20], '{"v":100009007199254740991.0000001}'],
    ['sum of nothing', { fn: 'sum' }, [null], '{"v":null}'],
    ['sum of -0', { fn: 'sum' }, [-0], '{"v":0}'],
    ['min skips nulls', { fn: 'min' }, [null, 3, -2.5], '{"v":-2.5}'],
    ['max of a field', { fn: 'max', field: 'a' }, [{ a: 3 }, { b: 9 }, [9]], '{"v":3}'],
    ['avg is the nearest double', { fn: 'avg' }, [0.1, 0.2, 0.3], '{"v":0.2}'],
    ['variance is of the population', { fn: 'variance' }, [2, 4, 4, 4, 5, 5, 7, 9], '{"v":4}'],
    ['stddev is its root', { fn: 'stddev' }, [2, 4, 4, 4, 5, 5, 7, 9], '{"v":2}'],
    ['variance of one', { fn: 'variance' }, [7], '{"v":0}'],
    ['countDistinct compares members', { fn: 'countDistinct' }, [{ a: 1, b: 2 }, { b: 2, a: 1 }, 1, '1'], '{"v":3}'],
    ['countDistinct of nothing', { fn: 'countDistinct' }, [null], '{"v":0}'],
    ['first skips nulls', { fn: 'first' }, [null, 'x', 'y'], '{"v":"x"}'],
    ['first may keep them', { fn: 'first', nulls: 'keep' }, [null, 'x'], '{"v":null}'],
    ['last may keep them', { fn: 'last', nulls: 'keep', field: 'a' }, [{ a: 1 }, {}], '{"v":null}'],
    ['last of anything', { fn: 'last' }, [1, { b: [true, null], a: '"' }], '{"v":{"a":"\\"","b":[true,null]}}'],
    ['earliest of a tie is the first', { fn: 'earliest' }, [5, 6], '{"v":5}'],
    ['latest of a tie is the last', { fn: 'latest' }, [5, 6, null], '{"v":6}'],
    ['collect has nulls', { fn: 'collect', field: 'a' }, [{ a: 'x' }, {}, { a: [1] }], '{"v":["x",null,[1]]}'],
    [
      'collect has texts as they are',
      { fn: 'collect' },
      ['null', '\ud83d\ude00', '\ud800'],
      '{"v":["null","😀","\\ud800"]}',
    ],
  ])('%s', (_, aggregate, values, expected) => {
    expect(valuesOf(aggregate, values)).toBe(expected);
  });

  it('are named by any text, and none at all are fine', () => {
    const aggregates = { '': { fn: 'count' }, key: { fn: 'count' }, start: { fn: 'count' }, ä: { fn: 'count' } };
    expect(outcome({ aggregates }).line).toContain('"values":{"":1,"key":1,"start":1,"ä":1}');
    expect(outcome({ aggregates: {} }).line).toContain('"values":{}');
  });
});

describe('the output of a scenario', () => {
  it('is one line, with numbers as they are', () => {
    expect(
      outcome({ id: 'é"', aggregates: { total: { fn: 'sum' } }, input: [event(-5, 0.1), event(-4, 0.2), END] }).line,
    ).toBe(
      '{"id":"é\\"","results":[{"after":2,"key":"a","startMs":-10,"endMs":0,"revision":0,"values":{"total":0.3}}],"late":[],"watermarks":[-6,-5,"end"]}',
    );
  });

  it('has null, the text null and the empty text as three keys', () => {
    const input = [event(1, null, null), event(1, null, 'null'), event(1, null, ''), event(1, null, null), END];
    const { results } = JSON.parse(outcome({ input }).line) as { results: { key: unknown; values: { n: number } }[] };
    expect(results.map(({ key, values }) => [key, values.n])).toEqual([
      [null, 2],
      ['null', 1],
      ['', 1],
    ]);
  });

  it('reaches as far as times go', () => {
    const most = 9_007_199_254_740;
    const input = [event(most), event(-most), END];
    expect(outcome({ window: { type: 'tumbling', sizeMs: 7 }, watermarks: 'explicit', input }).line).toBe(
      '{"id":"tried","results":[{"after":2,"key":"a","startMs":-9007199254746,"endMs":-9007199254739,"revision":0,"values":{"n":1}},{"after":2,"key":"a","startMs":9007199254739,"endMs":9007199254746,"revision":0,"values":{"n":1}}],"late":[],"watermarks":[null,null,"end"]}',
    );
  });
});
