import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globally, hopping, session, sliding, type Topology, TopologyTestDriver, tumbling } from '../../src/index.ts';
import type { TestTick } from '../support/drive.ts';
import { effort } from '../support/effort.ts';
import { windowedTicks } from '../support/windowedTicks.ts';

const RUNS = effort(400);
const MS = 1_000;

const duration = fc.constantFrom('1ms', '2ms', '3ms', '5ms', '8ms', '20ms');
const definition = fc.oneof(
  duration.map((size) => tumbling(size)),
  fc.tuple(duration, duration).map(([size, slide]) => hopping(size, slide)),
  duration.map((gap) => session(gap)),
  duration.map((size) => sliding(size)),
  fc.constantFrom(1, 2, 3, 7).map((every) => globally({ everyCount: every })),
  fc.constantFrom(1, 2, 5, 20).map((every) => globally({ everyMs: every })),
);
const setup = fc.record({
  definitions: fc.uniqueArray(definition, { minLength: 1, maxLength: 4, selector: ({ interval }) => interval }),
  outOfOrdernessMs: fc.constantFrom(0, 1, 4),
  allowedLatenessMs: fc.constantFrom(0, 2, 15),
  accumulation: fc.constantFrom('accumulating' as const, 'discarding' as const),
  emit: fc.constantFrom('final' as const, 'eachChange' as const, { everyMs: 1 }, { everyMs: 7 }),
});
type Setup = typeof setup extends fc.Arbitrary<infer T> ? T : never;

const tick = fc.record({
  instrument: fc.constantFrom('a', 'b', 'c'),
  eventTime: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: -5 * MS, max: 40 * MS }) },
    { weight: 8, arbitrary: fc.integer({ min: -5, max: 40 }).map((ms) => ms * MS) },
    { weight: 1, arbitrary: fc.constantFrom(1_000_000_000, 1_700_000_000_000_000) },
  ),
  price: fc.integer({ min: 1, max: 400 }).map((cents) => cents / 100),
  size: fc.integer({ min: 0, max: 30_000 }).map((units) => units / 10_000),
  sequence: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
});
const entries = fc.array(
  fc.oneof({ weight: 12, arbitrary: tick }, { weight: 1, arbitrary: fc.constant('flush' as const) }),
  { maxLength: 50 },
);

/** Looked back from twice at the same time, for what is complete and for what is shown before: once went on for ever. */
const LOOKED_BACK_TWICE: readonly (TestTick | 'flush')[] = [
  { instrument: 'c', eventTime: -2000, price: 0.09, size: 1.8138, sequence: 1 },
  'flush',
  { instrument: 'b', eventTime: -34, price: 0.09, size: 1.7685, sequence: 1 },
  { instrument: 'c', eventTime: 4000, price: 0.05, size: 1.765, sequence: 3 },
  { instrument: 'b', eventTime: 19061, price: 0.04, size: 0.0006, sequence: 0 },
  { instrument: 'c', eventTime: 10000, price: 0.04, size: 0.6051, sequence: 1 },
  { instrument: 'b', eventTime: 22840, price: 2.92, size: 0.0013, sequence: 2 },
  { instrument: 'b', eventTime: 39985, price: 1.93, size: 2.999, sequence: 1 },
  { instrument: 'c', eventTime: 19409, price: 0.14, size: 0.0014, sequence: 1 },
];
const SHOWN_BEFORE: Setup = {
  definitions: [sliding('20ms'), globally({ everyMs: 5 })],
  outOfOrdernessMs: 1,
  allowedLatenessMs: 15,
  accumulation: 'accumulating',
  emit: { everyMs: 7 },
};

/** A session's slot is given back as it merges, and used anew when the look-back is flushed: once the session came again. */
const MERGED_THEN_FLUSHED: readonly (TestTick | 'flush')[] = [
  { instrument: 'a', eventTime: 0, price: 0.01, size: 0, sequence: null },
  { instrument: 'a', eventTime: 21_000, price: 0.01, size: 0, sequence: null },
  { instrument: 'a', eventTime: 1_000, price: 0.01, size: 0, sequence: null },
  'flush',
  { instrument: 'a', eventTime: 1_000_000_000, price: 0.01, size: 0, sequence: null },
];
const BESIDE_SESSIONS: Setup = {
  definitions: [sliding('1ms'), session('20ms')],
  outOfOrdernessMs: 4,
  allowedLatenessMs: 0,
  accumulation: 'accumulating',
  emit: 'eachChange',
};

function topologyOf({ definitions, outOfOrdernessMs, ...behaviour }: Setup): Topology {
  return windowedTicks(definitions, outOfOrdernessMs, behaviour);
}

/** What comes out when chunks have these sizes, over and over, and every so many of them a fresh driver goes on. */
function play(built: Topology, fed: readonly (TestTick | 'flush')[], sizes: readonly number[], moveAfter: number) {
  let driver = new TopologyTestDriver(built);
  const rows: unknown[] = [];
  const late: unknown[] = [];
  let pending: TestTick[] = [];
  let chunks = 0;
  const feed = (): void => {
    if (pending.length > 0) driver.feed('ticks', pending);
    pending = [];
    rows.push(...driver.read('windowed'));
    late.push(...driver.readLate('windowed'));
    if (++chunks % moveAfter === 0) driver = TopologyTestDriver.restore(built, driver.snapshot());
  };
  for (const entry of fed) {
    if (entry !== 'flush') pending.push(entry);
    if (entry === 'flush' || pending.length >= (sizes[chunks % sizes.length] as number)) feed();
    if (entry === 'flush') driver.flush();
  }
  feed();
  return { rows, late };
}

describe('what comes out of windows', () => {
  it('depends neither on chunks nor on moves to another process, in any mode', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(setup, entries, sizes, fc.integer({ min: 1, max: 4 }), (given, fed, cut, moveAfter) => {
        const built = topologyOf(given);
        const whole = play(built, fed, [1_000], Number.POSITIVE_INFINITY);
        expect(play(built, fed, cut, moveAfter)).toEqual(whole);
      }),
      { numRuns: RUNS, examples: [[SHOWN_BEFORE, [...LOOKED_BACK_TWICE], [9, 1, 2], 1]] },
    );
  });

  it('is final in every mode as it is without provisional results', () => {
    fc.assert(
      fc.property(setup, entries, (given, fed) => {
        const shown = finalRows(play(topologyOf({ ...given, accumulation: 'accumulating' }), fed, [7], 99).rows);
        const plain = play(topologyOf({ ...given, accumulation: 'accumulating', emit: 'final' }), fed, [7], 99).rows;
        expect(shown).toEqual(finalRows(plain));
        for (const { start } of shown) expect(start).toBeGreaterThan(Number.NEGATIVE_INFINITY);
      }),
      { numRuns: RUNS, examples: [[BESIDE_SESSIONS, [...MERGED_THEN_FLUSHED]]] },
    );
  });
});

/** Rows that stand, but for their revision. */
function finalRows(rows: readonly unknown[]): Readonly<Record<string, unknown>>[] {
  return (rows as Readonly<Record<string, unknown>>[])
    .filter((row) => row.final === true && row.deleted === false)
    .map((row) => ({ ...row, revision: null }));
}
