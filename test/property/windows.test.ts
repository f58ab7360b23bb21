import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hopping, type Topology, tumbling } from '../../src/index.ts';
import { Drive, type TestTick } from '../support/drive.ts';
import { effort } from '../support/effort.ts';
import { type OracleEntry, type OracleSetup, windowOracle } from '../support/oracle/windows.ts';
import { windowedTicks } from '../support/windowedTicks.ts';

const RUNS = effort(1_000);
const MS = 1_000;

const durations = fc.constantFrom(1, 2, 3, 5, 10);
const definitions = fc.uniqueArray(
  fc.oneof(
    durations.map((size) => tumbling(`${size}ms`)),
    fc.tuple(durations, durations).map(([size, slide]) => hopping(`${size}ms`, `${slide}ms`)),
    fc.constant(tumbling('5ms', { offset: '2ms' })),
    fc.constant(hopping('5ms', '2ms', { offset: '-1ms' })),
  ),
  { minLength: 1, maxLength: 3, selector: ({ interval }) => interval },
);

const tick = fc.record({
  instrument: fc.constantFrom('a', 'b', 'c'),
  eventTime: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -10, max: 30 }).map((ms) => ms * MS) },
    { weight: 4, arbitrary: fc.integer({ min: -20 * MS, max: 40 * MS }) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 0, 9_999, 10_000, 1_000_000_000, 1_700_000_000_000_000) },
  ),
  price: fc.integer({ min: 1, max: 400 }).map((cents) => cents / 100),
  size: fc.integer({ min: 0, max: 30_000 }).map((units) => units / 10_000),
  sequence: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
});
const entries: fc.Arbitrary<OracleEntry[]> = fc.array(
  fc.oneof({ weight: 12, arbitrary: tick }, { weight: 1, arbitrary: fc.constant('flush' as const) }),
  { maxLength: 60 },
);
const lateness = fc.constantFrom(0, 1, 4, 20);
const bounds = fc.constantFrom(0, 1, 3);

/** Feeds entries in chunks of at most the given sizes, over and over. */
function drive(built: Topology, fed: readonly OracleEntry[], sizes: readonly number[]): Drive {
  const driver = new Drive(built);
  let pending: TestTick[] = [];
  let chunk = 0;
  for (const entry of fed) {
    if (entry !== 'flush') pending.push(entry);
    if (entry === 'flush' || pending.length >= (sizes[chunk % sizes.length] as number)) {
      driver.feed(pending);
      pending = [];
      chunk++;
    }
    if (entry === 'flush') driver.flush();
  }
  return driver.feed(pending);
}

function decimal(units: bigint): string {
  const text = (Number(units) / 10_000).toString();
  return text;
}

describe('windows against the oracle', () => {
  it('emits the same rows, revisions and late records, however the input is cut into chunks', () => {
    fc.assert(
      fc.property(
        definitions,
        bounds,
        lateness,
        entries,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        (windows, outOfOrdernessMs, latenessMs, fed, sizes) => {
          const setup: OracleSetup = {
            windows,
            outOfOrdernessMicros: outOfOrdernessMs * MS,
            latenessMicros: latenessMs * MS,
          };
          const expected = windowOracle(setup, fed);
          const driver = drive(windowedTicks(windows, outOfOrdernessMs, { allowedLatenessMs: latenessMs }), fed, sizes);
          const rows = driver.results.map((row) => ({
            instrument: row.instrument,
            interval: row.interval,
            start: row.start,
            end: row.end,
            revision: row.revision,
            count: row.count,
            open: row.open,
            close: row.close,
            high: row.high,
            low: row.low,
            volume: row.volume,
          }));
          expect(rows).toEqual(expected.results.map((row) => ({ ...row, volume: decimal(row.volume) })));
          expect(driver.late.map(({ offset, intervals }) => ({ arrival: offset, intervals }))).toEqual(expected.late);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
