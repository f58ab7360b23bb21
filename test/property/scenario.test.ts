import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/topology/scenario/parseScenario.ts';
import { runScenarioText } from '../../src/topology/scenario/runScenario.ts';
import { EVENTS, RESULTS, rowOf, scenarioTopology } from '../../src/topology/scenario/scenarioTopology.ts';
import { scenarioValues } from '../../src/topology/scenario/scenarioValue.ts';
import { TopologyTestDriver } from '../../src/topology/testDriver.ts';
import { effort } from '../support/effort.ts';
import {
  type OracleEntry,
  type OracleScenario,
  type OracleWindow,
  scenarioOracle,
} from '../support/oracle/scenario.ts';
import type { OracleAggregate } from '../support/oracle/scenarioValues.ts';

const RUNS = effort(10_000);
const RESTORED_RUNS = effort(500);

const length = fc.constantFrom(1, 2, 3, 4, 5, 8, 10, 12);
const offsetBelow = (slide: number) => fc.integer({ min: 1 - slide, max: slide - 1 });
const windows: fc.Arbitrary<OracleWindow> = fc.oneof(
  length.chain((sizeMs) =>
    offsetBelow(sizeMs).map((offsetMs): OracleWindow => ({ type: 'tumbling', sizeMs, offsetMs })),
  ),
  fc
    .tuple(length, length)
    .chain(([sizeMs, slideMs]) =>
      offsetBelow(slideMs).map((offsetMs): OracleWindow => ({ type: 'hopping', sizeMs, slideMs, offsetMs })),
    ),
  length.map((gapMs): OracleWindow => ({ type: 'session', gapMs })),
  length.map((sizeMs): OracleWindow => ({ type: 'sliding', sizeMs })),
);

const FIELDS = ['x', 'y', 'missing'];
const numeric = fc.constantFrom('sum', 'min', 'max', 'avg', 'variance', 'stddev');
const general = fc.constantFrom('count', 'countDistinct', 'first', 'last', 'earliest', 'latest', 'collect');
const field = fc.constantFrom(...FIELDS);
const aggregate: fc.Arbitrary<OracleAggregate> = fc.oneof(
  general.map((fn) => ({ fn })),
  fc.record({ fn: general, field }),
  fc.record({ fn: fc.constantFrom('first', 'last'), field, nulls: fc.constant('keep') }),
  // `y` and the values themselves may be anything.
  fc.record({ fn: numeric, field: fc.constantFrom('x', 'missing') }),
);
const aggregates = fc.dictionary(fc.constantFrom('a', 'b', 'start', '', 'key', 'é"\n'), aggregate, { maxKeys: 4 });

const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer({ min: -9_999, max: 9_999 }).map((units) => units / 1_000),
  fc.constantFrom(0.1, 0.2, 0.3, -0, 1e15, 1e-7, 123456789.123456, 0.30000000000000004, 1e21, 4503599627370497),
);
const anything = fc.oneof(
  fc.constantFrom(null, true, false, '', 'a', '1', 1, [], {}, { b: 1, a: [null, { d: '\ud800', c: 2 }] }),
  number,
);
const value = fc.oneof(
  { weight: 8, arbitrary: fc.record({ x: fc.option(number), y: anything }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: anything },
);
const time = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -15, max: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom(-9e12, -1_000_000, 999_999, 1_700_000_000_000, 9_007_199_254_740) },
);
const event = fc.record({
  kind: fc.constant('event' as const),
  key: fc.constantFrom('a', 'b', '', null, 'null', '\ud800', 'é'),
  timestampMs: time,
  value,
});
const entry: fc.Arbitrary<OracleEntry> = fc.oneof(
  { weight: 10, arbitrary: event },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('watermark' as const), timestampMs: time }) },
);
const input = fc
  .tuple(fc.array(entry, { maxLength: 25 }), fc.boolean())
  .map(([entries, ends]): OracleEntry[] => (ends ? [...entries, { kind: 'endOfInput' }] : entries));

const scenarios: fc.Arbitrary<OracleScenario> = fc.record({
  id: fc.string(),
  window: windows,
  watermarks: fc.constantFrom('explicit', 'perEvent'),
  outOfOrdernessMs: fc.constantFrom(0, 1, 3, 10),
  allowedLatenessMs: fc.constantFrom(0, 1, 4, 20, 1_000),
  accumulation: fc.constantFrom('accumulating', 'discarding'),
  aggregates,
  input,
});

/** All that comes out, entry by entry, of a driver that is given up for one restored from its snapshot before some entries. */
function emitted(given: OracleScenario, isCutAt: (index: number) => boolean): unknown[] {
  const scenario = parseScenario(JSON.parse(JSON.stringify(given)));
  const values = scenarioValues(scenario.aggregates);
  const topology = scenarioTopology(scenario, values, () => {});
  let driver = new TopologyTestDriver(topology);
  return scenario.input.map((entry, index) => {
    if (isCutAt(index)) driver = TopologyTestDriver.restore(topology, driver.snapshot());
    if (entry.kind === 'event') driver.feed(EVENTS, [rowOf(entry, values)]);
    else if (entry.kind === 'watermark') driver.advanceWatermark(entry.timestampMs * 1_000);
    else driver.end();
    return { rows: driver.read(RESULTS), late: driver.readLate(RESULTS), watermark: driver.watermark };
  });
}

describe('windows that are saved and restored', () => {
  it('give the same rows, retractions and late events as those that were not', () => {
    fc.assert(
      fc.property(scenarios, fc.array(fc.nat(25), { minLength: 1, maxLength: 4 }), (scenario, cuts) => {
        expect(emitted(scenario, (index) => cuts.includes(index))).toEqual(emitted(scenario, () => false));
      }),
      { numRuns: RESTORED_RUNS },
    );
  });
});

describe('scenarios against the oracle', () => {
  it('print the same results, late events and watermarks, however the input is cut into chunks', () => {
    fc.assert(
      fc.property(scenarios, fc.constantFrom(1, 2, 3, 7, 1_000), (scenario, chunkSize) => {
        expect(runScenarioText(JSON.stringify(scenario), chunkSize).line).toBe(scenarioOracle(scenario));
      }),
      { numRuns: RUNS },
    );
  });
});
