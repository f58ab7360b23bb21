import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  collect,
  hopping,
  keyBy,
  session,
  sliding,
  topology,
  type WindowDefinition,
  watermark,
  window,
} from '../../src/index.ts';
import { Drive, type TestTick } from '../support/drive.ts';
import { effort } from '../support/effort.ts';
import {
  type EmissionRecord,
  type EmissionSetup,
  type EmissionWindow,
  emissionOracle,
} from '../support/oracle/emission.ts';

const RUNS = effort(1_000);

const length = fc.constantFrom(1, 2, 3, 5, 8);
const setups: fc.Arbitrary<EmissionSetup> = fc.record({
  window: fc.oneof(
    fc.tuple(length, length).map(([sizeMs, slideMs]): EmissionWindow => ({ kind: 'grid', sizeMs, slideMs })),
    length.map((gapMs): EmissionWindow => ({ kind: 'session', gapMs })),
    length.map((sizeMs): EmissionWindow => ({ kind: 'sliding', sizeMs })),
  ),
  outOfOrdernessMs: fc.constantFrom(0, 2, 6),
  allowedLatenessMs: fc.constantFrom(0, 3, 12),
  accumulation: fc.constantFrom('accumulating', 'discarding'),
  emit: fc.constantFrom<EmissionSetup['emit']>('final', 'eachChange', { everyMs: 1 }, { everyMs: 3 }, { everyMs: 7 }),
});
type Case = readonly [EmissionSetup, readonly (EmissionRecord | 'flush')[], readonly number[]];
const PLAIN = { outOfOrdernessMs: 0, allowedLatenessMs: 0, accumulation: 'accumulating', emit: 'final' } as const;
const of = (key: string, timeMs: number) => ({ key, timeMs });
/** What once came out in another order when chunks were cut elsewhere. */
const FOUND: readonly Case[] = [
  // The state of `a` is gone when `b` comes: where a chunk ends there, they take other places in the table of keys.
  [{ ...PLAIN, window: { kind: 'sliding', sizeMs: 1 } }, [of('a', 0), of('b', 5), of('a', 5), 'flush'], [1]],
  // The last record takes back [11,16), which was shown, and [5,10) is complete before it.
  [
    { ...PLAIN, window: { kind: 'session', gapMs: 5 }, outOfOrdernessMs: 2, emit: { everyMs: 7 } },
    [of('a', 5), of('a', 11), of('b', 12), of('a', 6)],
    [4],
  ],
  // The second record lies in a gap, and completes [0,1) before the third shows anything.
  [
    { ...PLAIN, window: { kind: 'grid', sizeMs: 1, slideMs: 8 }, emit: 'eachChange' },
    [of('a', 0), of('a', 1), of('a', 24)],
    [3],
  ],
];
const entries = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        key: fc.constantFrom('a', 'a', 'b'),
        timeMs: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: -4, max: 24 }) }, fc.constant(100)),
      }),
    },
    fc.constant('flush' as const),
  ),
  { maxLength: 25 },
);

function definitionOf(given: EmissionWindow): WindowDefinition {
  if (given.kind === 'session') return session(`${given.gapMs}ms`);
  if (given.kind === 'sliding') return sliding(`${given.sizeMs}ms`);
  return hopping(`${given.sizeMs}ms`, `${given.slideMs}ms`);
}

/** The rows that come out, as the oracle writes them; chunks have at most these sizes, over and over. */
function emitted(
  { window: given, outOfOrdernessMs, ...behaviour }: EmissionSetup,
  fed: readonly (EmissionRecord | 'flush')[],
  sizes: readonly number[],
): string[] {
  const driver = new Drive(
    topology({
      name: 'emitted',
      version: 1,
      inputs: { ticks: 'ticks' },
      build: ({ ticks }) => ({
        emitted: ticks.pipe(
          watermark(bounded(outOfOrdernessMs)),
          keyBy('instrument'),
          window([definitionOf(given)], behaviour),
          aggregate({ places: collect('sequence') }),
        ),
      }),
    }),
  );
  let pending: TestTick[] = [];
  let sequence = 0;
  let chunks = 0;
  for (const entry of fed) {
    if (entry !== 'flush') {
      const { key, timeMs } = entry;
      pending.push({ instrument: key, eventTime: timeMs * 1_000, price: 1, size: 1, sequence: sequence++ });
    }
    if (entry !== 'flush' && pending.length < (sizes[chunks % sizes.length] as number)) continue;
    driver.feed(pending);
    pending = [];
    chunks++;
    if (entry === 'flush') driver.flush();
  }
  return driver.feed(pending).results.map((row) => {
    // A look-back window starts, and ends, a microsecond after a whole millisecond.
    const [start, end] = [Math.ceil(Number(row.start) / 1_000), Math.ceil(Number(row.end) / 1_000)];
    const mark = row.deleted === true ? 'taken back' : row.final === true ? 'final' : 'provisional';
    const places = row.deleted === true ? '' : ` ${(JSON.parse(String(row.places)) as number[]).join(' ')}`;
    return `${row.instrument} [${start},${end}) r${row.revision} ${mark}${places}`;
  });
}

describe('what windows emit in each mode', () => {
  it('is what the oracle says, row by row, flushes and retractions included', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(setups, entries, sizes, (setup, fed, cut) => {
        expect(emitted(setup, fed, cut)).toEqual(emissionOracle(setup, fed));
      }),
      { numRuns: RUNS, examples: FOUND.map(([setup, fed, cut]) => [setup, [...fed], [...cut]]) },
    );
  });
});
