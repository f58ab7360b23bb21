import { describe, expect, it } from 'vitest';
import {
  type Aggregate,
  aggregate,
  avg,
  bounded,
  count,
  derive,
  earliest,
  filter,
  first,
  hopping,
  keyBy,
  last,
  latest,
  max,
  midpoint,
  min,
  ohlc,
  sum,
  type Topology,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { Drive, type TestTick } from '../support/drive.ts';

const MS = 1_000;
/** All in one window of 10 ms; `price` above 100 stands for null. */
const TICKS: readonly (readonly [ms: number, price: number])[] = [
  [3, 0.1],
  [1, 0.7],
  [5, 101],
  [5, 0.2],
  [4, 0.3],
];

interface Priced {
  readonly value: number | null;
}

/** The one result row of the ticks' window, for windows that hold them in one slot and for those merged of panes. */
function resultsOf(
  name: string,
  value: Aggregate<Priced, unknown>,
  ticks: readonly (readonly [number, number])[],
): unknown[] {
  return [tumbling('10ms'), hopping('10ms', '1ms')].map((definition) => {
    const drive = new Drive(
      topology({
        name: 'checked',
        version: 1,
        inputs: { ticks: 'ticks' },
        build: ({ ticks: source }) => ({
          checked: source.pipe(
            watermark(bounded(20)),
            derive({ value: (tick) => (tick.price > 100 ? null : tick.price) }),
            keyBy('instrument'),
            window([definition]),
            aggregate({ [name]: value }),
          ),
        }),
      }),
    );
    const fed = ticks.map(([ms, price]): TestTick => {
      return { instrument: 'a', eventTime: ms * MS, price, size: 1, sequence: null };
    });
    drive.feed(fed).flush();
    return drive.results.find(({ start }) => start === 0)?.[name];
  });
}

describe('aggregates', () => {
  it.each([
    ['count counts rows, null values too', count(), 5],
    ['sum is the exact decimal sum', sum('value'), '1.3'],
    ['avg is the double nearest to the exact mean', avg('value'), 0.325],
    ['min', min('value'), 0.1],
    ['max', max('value'), 0.7],
    ['first goes by arrival', first('value'), 0.1],
    ['last goes by arrival and skips nulls', last('value'), 0.3],
    ['earliest goes by event time', earliest('value'), 0.7],
    ['latest goes by event time and skips nulls', latest('value'), 0.2],
    ['open', ohlc('value').open, 0.7],
    ['close', ohlc('value').close, 0.2],
    ['high', ohlc('value').high, 0.7],
    ['low', ohlc('value').low, 0.1],
    ['open time', ohlc('value').openTime, 1_000],
    ['close sequence', ohlc('value').closeSequence, null],
  ] as const)('%s', (_, value, expected) => {
    expect(resultsOf('result', value, TICKS)).toEqual([expected, expected]);
  });

  it.each([
    ['count', count(), 1],
    ['sum', sum('value'), null],
    ['avg', avg('value'), null],
    ['min', min('value'), null],
    ['latest', latest('value'), null],
    ['open', ohlc('value').open, null],
  ] as const)('%s of nulls only', (_, value, expected) => {
    expect(resultsOf('result', value, [[5, 101]])).toEqual([expected, expected]);
  });
});

describe('midpoint', () => {
  it('is exact in decimals', () => {
    expect(midpoint(1.38626, 1.38627)).toBe(1.386265);
    expect(midpoint(0.1, 0.2)).toBe(0.15);
    expect(midpoint(3, 3)).toBe(3);
    expect(midpoint(null, 3)).toBeNull();
  });
});

/** Builds a topology of steps whose types do not fit together, as a JavaScript file may. */
function driveOf(...steps: readonly unknown[]): Drive {
  const build = ({ ticks }: { ticks: unknown }): unknown => {
    return { t: steps.reduce((stream, step) => (step as (source: unknown) => unknown)(stream), ticks) };
  };
  return new Drive(topology({ name: 't', version: 1, inputs: { ticks: 'ticks' }, build: build as never }));
}

/** A sound topology but for the name of its output. */
function named(output: string): Topology {
  return topology({
    name: 't',
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      [output]: ticks.pipe(
        watermark(bounded(0)),
        keyBy('instrument'),
        window([tumbling('1s')]),
        aggregate({ n: count() }),
      ),
    }),
  });
}

describe('a topology that does not fit together is refused', () => {
  it.each<readonly [string, () => unknown]>([
    ['a name with capitals', () => topology({ name: 'Bars', version: 1, inputs: {}, build: () => ({}) })],
    ["a name of Tidemark's own", () => topology({ name: 'served', version: 1, inputs: {}, build: () => ({}) })],
    [
      'a name that looks like a generation',
      () => topology({ name: 'a__g2', version: 1, inputs: {}, build: () => ({}) }),
    ],
    ["an output with a name of Tidemark's own", () => new Drive(named('late'))],
    ['an output with capitals', () => new Drive(named('Bars'))],
    ['version 0', () => topology({ name: 'bars', version: 0, inputs: {}, build: () => ({}) })],
    ['a negative bound', () => bounded(-1)],
    ['an output without aggregate', () => driveOf(keyBy('instrument'))],
    ['a key that is not text', () => driveOf(keyBy('price'))],
    ['a key that is not there', () => driveOf(keyBy('venue'))],
    ['windows without a key', () => driveOf(window([tumbling('1s')]), aggregate({ n: count() }))],
    ['an aggregate without windows', () => driveOf(keyBy('instrument'), aggregate({ n: count() }))],
    [
      'an aggregate of a field that is not there',
      () => driveOf(keyBy('instrument'), window([tumbling('1s')]), aggregate({ x: sum('nowhere') })),
    ],
    [
      'an aggregate of a text',
      () => driveOf(keyBy('instrument'), window([tumbling('1s')]), aggregate({ x: sum('instrument') })),
    ],
    [
      'a result whose name is taken',
      () => driveOf(keyBy('instrument'), window([tumbling('1s')]), aggregate({ start: count() })),
    ],
    ['a derived field whose name is taken', () => driveOf(derive({ price: () => 1 }))],
  ])('%s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
  });

  it.each<readonly [string, () => unknown]>([
    ['no window', () => window([])],
    ['the same window twice', () => window([tumbling('60s'), tumbling('1m')])],
    ['a negative lateness', () => window([tumbling('1m')], { allowedLatenessMs: -1 })],
  ])('%s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'TM_WINDOW' }));
  });
});

describe('filter', () => {
  it('drops rows, but not the watermark that they moved', () => {
    const drive = new Drive(
      topology({
        name: 'filtered',
        version: 1,
        inputs: { ticks: 'ticks' },
        build: ({ ticks }) => ({
          filtered: ticks.pipe(
            watermark(bounded(0)),
            filter((tick) => tick.price < 100),
            keyBy('instrument'),
            window([tumbling('10ms')]),
            aggregate({ n: count() }),
          ),
        }),
      }),
    );
    const tick = (ms: number, price: number): TestTick => {
      return { instrument: 'a', eventTime: ms * MS, price, size: 1, sequence: null };
    };
    drive.feed([tick(1, 1), tick(2, 2), tick(3, 200), tick(50, 200)]);
    expect(drive.results).toMatchObject([{ instrument: 'a', start: 0, n: 2 }]);
  });
});
