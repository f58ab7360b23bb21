import fc from 'fast-check';
import type { OracleEntry, OracleScenario, OracleWindow } from './oracle/scenario.ts';
import type { OracleAggregate } from './oracle/scenarioValues.ts';

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
/** The last millisecond whose end is exact in microseconds, and so may be a watermark. */
const LAST_MS = 9_007_199_254_739;
const time = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -15, max: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom(-9e12, -1_000_000, 999_999, 1_700_000_000_000, LAST_MS) },
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

/** Scenarios of any window, with disorder, ties, nulls, late events and jumps of time. */
export const scenarios: fc.Arbitrary<OracleScenario> = fc.record({
  id: fc.string(),
  window: windows,
  watermarks: fc.constantFrom('explicit', 'perEvent'),
  outOfOrdernessMs: fc.constantFrom(0, 1, 3, 10),
  allowedLatenessMs: fc.constantFrom(0, 1, 4, 20, 1_000),
  accumulation: fc.constantFrom('accumulating', 'discarding'),
  aggregates,
  input,
});
