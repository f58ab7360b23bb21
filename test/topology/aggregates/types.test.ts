import { describe, expectTypeOf, it } from 'vitest';
import {
  aggregate,
  collect,
  count,
  countDistinct,
  custom,
  type DecimalText,
  earliest,
  first,
  keyBy,
  last,
  latest,
  quantile,
  type Stream,
  stddev,
  sum,
  type Tick,
  topK,
  tumbling,
  twap,
  variance,
  vwap,
  window,
} from '../../../src/index.ts';

type RowOf<S> = S extends Stream<infer Row> ? Row : never;

const ofTicks = (ticks: Stream<Tick>) =>
  ticks.pipe(
    keyBy('instrument'),
    window([tumbling('1m')]),
    aggregate({
      trades: count(),
      numbered: count('sequence'),
      side: first('side'),
      lastSide: last('side', { nulls: 'keep' }),
      price: earliest('price'),
      instrumentToo: latest('instrument'),
      total: sum('size'),
      spread: variance('price'),
      deviation: stddev('price'),
      volumeWeighted: vwap('price', 'size'),
      timeWeighted: twap('price'),
      sizes: countDistinct('size'),
      median: quantile('price', 0.5),
      busiest: topK('price', 3),
      all: collect('price'),
      label: custom({
        label: 'label',
        field: 'string',
        create: () => '',
        add: (_state, tick: Tick) => tick.instrument,
        merge: (state, other) => state || other,
        result: (state) => state,
      }),
    }),
  );

describe('the type of a result row', () => {
  it('follows the aggregates, and the fields that they take', () => {
    type Row = RowOf<ReturnType<typeof ofTicks>>;
    expectTypeOf<Row['instrument']>().toEqualTypeOf<string>();
    expectTypeOf<Row['trades']>().toEqualTypeOf<number>();
    expectTypeOf<Row['numbered']>().toEqualTypeOf<number>();
    expectTypeOf<Row['side']>().toEqualTypeOf<Tick['side'] | null>();
    expectTypeOf<Row['lastSide']>().toEqualTypeOf<Tick['side'] | null>();
    expectTypeOf<Row['price']>().toEqualTypeOf<number | null>();
    expectTypeOf<Row['instrumentToo']>().toEqualTypeOf<string | null>();
    expectTypeOf<Row['total']>().toEqualTypeOf<DecimalText | null>();
    expectTypeOf<Row['spread' | 'deviation' | 'volumeWeighted' | 'timeWeighted']>().toEqualTypeOf<number | null>();
    expectTypeOf<Row['sizes']>().toEqualTypeOf<number>();
    expectTypeOf<Row['median']>().toEqualTypeOf<number | null>();
    expectTypeOf<Row['busiest']>().toEqualTypeOf<string | null>();
    expectTypeOf<Row['all']>().toEqualTypeOf<string>();
    expectTypeOf<Row['label']>().toEqualTypeOf<string | null>();
  });

  it('is refused for a field that the row has not, or of another type', () => {
    const windowed = (ticks: Stream<Tick>) => ticks.pipe(keyBy('instrument'), window([tumbling('1m')]));
    // @ts-expect-error: a tick has no venue
    const missing = (ticks: Stream<Tick>) => windowed(ticks).pipe(aggregate({ venue: first('venue') }));
    // @ts-expect-error: an instrument is no number, nor a decimal
    const added = (ticks: Stream<Tick>) => windowed(ticks).pipe(aggregate({ total: sum('instrument') }));
    expectTypeOf(added).toBeFunction();
    // @ts-expect-error: an instrument is no number
    const text = (ticks: Stream<Tick>) => windowed(ticks).pipe(aggregate({ spread: variance('instrument') }));
    expectTypeOf(missing).toBeFunction();
    expectTypeOf(text).toBeFunction();
  });
});
