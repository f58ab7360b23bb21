import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asOfJoin, keyBy, watermark } from '../../../src/index.ts';
import { effort } from '../../support/effort.ts';
import { JoinRun, type JoinSource } from '../../support/joinRun.ts';
import { asOfOracle, type OracleRow, timelineOf } from '../../support/oracle/joins.ts';
import { type Row, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const TRADE = shapeOf({
  type: 'record',
  name: 'Trade',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'note', type: ['null', 'string'] },
  ],
});
const QUOTE = shapeOf({
  type: 'record',
  name: 'Quote',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'bid', type: 'double' },
    { name: 'from', type: 'string' },
  ],
});

type Trade = { readonly instrument: string; readonly eventTime: number; readonly note: string | null };
type Quote = { readonly instrument: string; readonly eventTime: number; readonly bid: number; readonly from: string };

const time = fc.integer({ min: -5, max: 30 });
const key = fc.constantFrom('a', 'b', 'c');
const trades = fc.array(
  fc.record({ instrument: key, eventTime: time, note: fc.option(fc.string({ maxLength: 40 })) }),
  { maxLength: 25 },
);
const quotes = fc.array(fc.record({ instrument: key, eventTime: time, from: fc.string({ maxLength: 40 }) }), {
  maxLength: 25,
});
const delays = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }));

function runOf(left: readonly Row[], right: readonly Row[], [l, r]: readonly [number, number], maxAgeMs = 0): JoinRun {
  const sources: readonly [JoinSource, JoinSource] = [
    { shape: TRADE, strategy: { field: null, delayMicros: l }, rows: left },
    { shape: QUOTE, strategy: { field: null, delayMicros: r }, rows: right },
  ];
  return new JoinRun(sources, (ticks, bids) =>
    asOfJoin(
      ticks.pipe(watermark<Trade>(sources[0].strategy), keyBy('instrument')),
      bids.pipe(watermark<Quote>(sources[1].strategy), keyBy('instrument')),
      { take: { bid: 'bid', bidFrom: 'from' }, maxAgeMs },
    ),
  );
}

function oracleRows(run: JoinRun): readonly OracleRow[] {
  return run.came.map(({ side, row, arrival, offset }) => ({
    side,
    key: String(row.instrument),
    time: Number(row.eventTime),
    arrival,
    offset,
  }));
}

/** What the oracle says must come out, in the form of what came out. */
function expectedOf(run: JoinRun, left: readonly Row[], right: readonly Row[], delay: readonly number[], age: number) {
  return asOfOracle(timelineOf(oracleRows(run), delay), age).map((out) => {
    const quote = out.right === null ? null : right[out.right.offset];
    return {
      row: { ...left[out.left.offset], bid: quote?.bid ?? null, bidFrom: quote?.from ?? null },
      timeMicros: out.left.time,
      offset: out.left.offset,
      arrival: out.arrival,
      watermark: out.watermark,
      key: out.left.key,
    };
  });
}

describe('the as-of join', () => {
  it('gives each left row the right row in force, for every size of batches and after a restart anywhere', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('restart' as const)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(trades, quotes, delays, fc.constantFrom(0, 1), sizes, (left, quoted, delay, maxAgeMs, steps) => {
        const right = quoted.map((quote, i) => ({ ...quote, bid: i }));
        const run = runOf(left, right, delay, maxAgeMs);
        for (const step of steps) {
          if (step === 'restart') run.restart();
          else run.take(step);
        }
        run.takeAll(1_000).flush();
        expect(run.rows).toEqual(expectedOf(run, left, right, delay, maxAgeMs * 1_000));
        const late = timelineOf(oracleRows(run), delay).late.map(({ offset, time: timeMicros, watermark: met }) => ({
          offset,
          timeMicros,
          watermark: met,
        }));
        expect(run.late.toSorted(byPlace)).toEqual(late.toSorted(byPlace));
      }),
      { numRuns: RUNS },
    );
  });

  it('keeps no more rows than its bound, and stops beyond it', () => {
    const left = Array.from({ length: 5 }, (_, i) => ({ instrument: 'a', eventTime: i, note: null }));
    const strategy = { field: null, delayMicros: 100 };
    const sources: readonly [JoinSource, JoinSource] = [
      { shape: TRADE, strategy, rows: left },
      { shape: QUOTE, strategy, rows: [] },
    ];
    const run = new JoinRun(sources, (ticks, bids) =>
      asOfJoin(
        ticks.pipe(watermark<Trade>(strategy), keyBy('instrument')),
        bids.pipe(watermark<Quote>(strategy), keyBy('instrument')),
        { take: { bid: 'bid' }, maxAgeMs: 1, maxRows: 4 },
      ),
    );
    expect(() => run.takeAll(10)).toThrow(expect.objectContaining({ code: 'TM_STATE_FULL' }));
  });

  it.each([
    ['a field that is not there', { bid: 'missing' }, 1],
    ['a name that is taken', { note: 'from' }, 1],
    ['a negative age', { bid: 'bid' }, -1],
  ])('refuses %s', (_, take, maxAgeMs) => {
    const source = { strategy: { field: null, delayMicros: 1 }, rows: [] };
    const sides: readonly [JoinSource, JoinSource] = [
      { ...source, shape: TRADE },
      { ...source, shape: QUOTE },
    ];
    const join = () =>
      new JoinRun(sides, (ticks, bids) =>
        asOfJoin(ticks.pipe(keyBy('instrument')) as never, bids.pipe(keyBy('instrument')) as never, {
          take: take as never,
          maxAgeMs,
        }),
      )
        .takeAll(1)
        .flush();
    expect(join).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
  });
});

interface Place {
  readonly offset: number;
  readonly timeMicros: number;
  readonly watermark: number;
}

function byPlace(a: Place, b: Place): number {
  return a.offset - b.offset || a.timeMicros - b.timeMicros || a.watermark - b.watermark;
}
