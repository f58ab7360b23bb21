import { merge, mergeMap, filter as rxFilter } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  bounded,
  branch,
  eachRow,
  flatMap,
  fromRows,
  keyBy,
  map,
  type Operator,
  type RowElement,
  rows,
  type Stream,
  select,
  tap,
  watermark,
} from '../../../src/index.ts';
import { type Row, StepRun, shapeOf } from '../../support/stepRun.ts';

const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
const TRADE = shapeOf({
  type: 'record',
  name: 'Trade',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: time },
    { name: 'price', type: 'double' },
    { name: 'size', type: ['null', 'double'] },
    { name: 'sequence', type: 'long' },
  ],
});
interface Trade {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number | null;
  readonly sequence: number;
}
const payment = {
  type: 'record',
  name: 'Payment',
  fields: [
    { name: 'eventTime', type: time },
    { name: 'venue', type: 'string' },
    { name: 'paid', type: ['null', 'double'] },
  ],
} as const;

const TRADES: readonly Row[] = Array.from({ length: 7 }, (_, i) => ({
  instrument: i % 2 === 0 ? 'x:A' : 'y:B',
  eventTime: i * 1_000,
  price: 10 + i,
  size: i === 3 ? null : i,
  sequence: i,
}));

type TradeStep<Out> = (source: Stream<Trade>) => Stream<Out>;

/** What steps make of the trades, which has to be the same for every chunk size. */
function madeBy(steps: TradeStep<unknown>): StepRun['rows'] {
  const runs = [1, 2, 3, 7].map((size) => new StepRun(TRADE, (source) => steps(source)).feed(TRADES, size).rows);
  for (const rows of runs) expect(rows).toEqual(runs[0]);
  return runs[0] ?? [];
}

function refusal(steps: TradeStep<unknown>): () => unknown {
  return () => new StepRun(TRADE, (source) => steps(source)).feed(TRADES);
}

const toPayment = map(payment, ({ eventTime, instrument, price, size }: Trade) => ({
  eventTime,
  venue: instrument.slice(0, 1),
  paid: size === null ? null : price * size,
}));

const code = expect.objectContaining({ code: 'TM_TOPOLOGY' });

describe('map and flatMap', () => {
  it('make rows of the schema, under the watermark and at the place of the row that they came of', () => {
    const rows = madeBy((trades) => trades.pipe(watermark(bounded(0)), toPayment, keyBy('venue')));
    expect(rows[3]).toEqual({
      row: { eventTime: 3_000, venue: 'y', paid: null },
      timeMicros: 3_000,
      offset: 3,
      arrival: 3,
      watermark: 1_999,
      key: 'y',
    });
    expect(rows.map(({ row }) => row.paid)).toEqual([0, 11, 24, null, 56, 75, 96]);
  });

  it('make any number of rows', () => {
    const rows = madeBy((trades) =>
      trades.pipe(
        flatMap(payment, ({ eventTime, sequence }) =>
          Array.from({ length: sequence % 3 }, (_, n) => ({ eventTime, venue: `${sequence}.${n}`, paid: 1 })),
        ),
      ),
    );
    expect(rows.map(({ row, offset }) => [row.venue, offset])).toEqual([
      ['1.0', 1],
      ['2.0', 2],
      ['2.1', 2],
      ['4.0', 4],
      ['5.0', 5],
      ['5.1', 5],
    ]);
    expect(rows.map(({ arrival }) => Math.floor(arrival))).toEqual([1, 2, 2, 4, 5, 5]);
    expect(new Set(rows.map(({ arrival }) => arrival)).size).toBe(rows.length);
  });

  it('may set the event time before a watermark follows it, and not after', () => {
    const later = map(payment, ({ eventTime }: Trade) => ({ eventTime: eventTime + 5, venue: '', paid: 1 }));
    expect(madeBy((trades) => trades.pipe(later, watermark(bounded(0))))[1]).toMatchObject({
      timeMicros: 1_005,
      watermark: 4,
    });
    expect(refusal((trades) => trades.pipe(watermark(bounded(0)), later))).toThrow(code);
  });

  it('refuse to stand behind keyBy, a schema without the event time, and rows that are not of the schema', () => {
    expect(refusal((trades) => trades.pipe(keyBy('instrument'), toPayment))).toThrow(code);
    const timeless = { ...payment, fields: payment.fields.slice(1) };
    expect(refusal((trades) => trades.pipe(map(timeless as unknown, () => ({}))))).toThrow(code);
    const wrong = map(payment, ({ eventTime }: Trade) => ({ eventTime, venue: 1 as unknown as string, paid: 1 }));
    expect(refusal((trades) => trades.pipe(wrong))).toThrow(expect.objectContaining({ code: 'TM_COLUMN_KIND' }));
  });

  it('infer the rows that they make', () => {
    interface Payment {
      readonly eventTime: number;
      readonly venue: string;
      readonly paid: number | null;
    }
    expectTypeOf(toPayment).toEqualTypeOf<Operator<Trade, Payment>>();
    // @ts-expect-error: a field is missing
    map(payment, ({ eventTime }: Trade) => ({ eventTime, venue: '' }));
  });
});

describe('select', () => {
  it('keeps the fields named, and the key', () => {
    const rows = madeBy((trades) => trades.pipe(keyBy('instrument'), select('instrument', 'eventTime', 'size')));
    expect(rows[1]).toMatchObject({ row: { instrument: 'y:B', eventTime: 1_000, size: 1 }, key: 'y:B' });
    expect(Object.keys(rows[1]?.row ?? {})).toEqual(['instrument', 'eventTime', 'size']);
  });

  it('refuses to leave out the event time or the key, and fields that are not there', () => {
    expect(refusal((trades) => trades.pipe(select('price')))).toThrow(code);
    expect(refusal((trades) => trades.pipe(keyBy('instrument'), select('eventTime')))).toThrow(code);
    expect(refusal((trades) => trades.pipe(select('eventTime', 'missing' as 'price')))).toThrow(code);
  });

  it('infers the fields that are left', () => {
    expectTypeOf(select<Trade, 'eventTime' | 'price'>('eventTime', 'price')).toEqualTypeOf<
      Operator<Trade, Pick<Trade, 'eventTime' | 'price'>>
    >();
  });
});

describe('branch', () => {
  const split = (trades: Stream<Trade>) =>
    branch(trades, { large: (row) => row.price > 14, known: (row) => row.size !== null });

  it('gives each row to the first branch that wants it, and the others to `otherwise`', () => {
    const pricesIn = (name: 'large' | 'known' | 'otherwise') =>
      madeBy((trades) => split(trades.pipe(watermark(bounded(0))))[name]).map(({ row }) => row.price);
    expect(pricesIn('large')).toEqual([15, 16]);
    expect(pricesIn('known')).toEqual([10, 11, 12, 14]);
    expect(pricesIn('otherwise')).toEqual([13]);
  });

  it('runs what stands before it once', () => {
    let seen = 0;
    const counted = tap<Trade>(() => {
      seen++;
    });
    new StepRun(TRADE, (source: Stream<Trade>) => {
      const { large, known, otherwise } = split(source.pipe(counted));
      return merge(large, known, otherwise);
    }).feed(TRADES);
    expect(seen).toBe(TRADES.length);
  });
});

describe('tap', () => {
  it('sees each row, and changes nothing', () => {
    const seen: number[] = [];
    const run = new StepRun(TRADE, (source: Stream<Trade>) => source.pipe(tap((row) => seen.push(row.price))));
    expect(run.feed(TRADES, 2).rows.map(({ row }) => row)).toEqual(TRADES);
    expect(seen).toEqual(TRADES.map((row) => row.price));
  });
});

describe('rows and fromRows', () => {
  const pay = eachRow(({ eventTime, instrument, price }: Trade) => ({ eventTime, venue: instrument, paid: price }));

  it('cross over to one object a record and back, with RxJS between them', () => {
    const made = madeBy((trades) =>
      trades.pipe(
        watermark(bounded(0)),
        rows(),
        rxFilter((element) => element.kind !== 'row' || element.row.price !== 12),
        mergeMap((element) => (element.kind === 'row' && element.row.price > 14 ? [element, element] : [element])),
        pay,
        fromRows(payment),
        keyBy('venue'),
      ),
    );
    expect(made.map(({ row, offset }) => [row.paid, offset])).toEqual([
      [10, 0],
      [11, 1],
      [13, 3],
      [14, 4],
      [15, 5],
      [15, 5],
      [16, 6],
      [16, 6],
    ]);
    expect(made[2]).toMatchObject({ timeMicros: 3_000, watermark: 1_999, key: 'y:B' });
  });

  it('pass on what else the stream carries', () => {
    const run = new StepRun(TRADE, (source: Stream<Trade>) =>
      source.pipe(watermark(bounded(0)), rows(), pay, fromRows(payment)),
    );
    run.feed(TRADES).send({ kind: 'flush' });
    expect(run.others.map(({ kind }) => kind)).toEqual(['flush']);
    expect(run.snapshot()).toMatchObject([{ current: 5_999 }]);
  });

  it('refuse rows that wait', () => {
    let held: readonly RowElement<Trade>[] = [];
    const late = (trades: Stream<Trade>) =>
      trades.pipe(
        rows(),
        mergeMap((element) => {
          if (element.kind !== 'row') return [element];
          const before = held;
          held = [element];
          return before;
        }),
        pay,
        fromRows(payment),
      );
    const run = new StepRun(TRADE, (source) => late(source));
    expect(() => run.feed(TRADES, 1)).toThrow(code);
  });
});
