import fc from 'fast-check';
import {
  avg,
  collect,
  count,
  countDistinct,
  countDistinctApprox,
  custom,
  earliest,
  first,
  last,
  latest,
  max,
  min,
  ohlc,
  ohlcv,
  quantile,
  stddev,
  sum,
  topK,
  twap,
  variance,
  vwap,
} from '../../../src/index.ts';
import type { SlotRow } from '../../support/slotsDrive.ts';

export const NUMERIC = {
  count: count(),
  present: count('value'),
  sum: sum('value'),
  avg: avg('value'),
  min: min('value'),
  max: max('value'),
  variance: variance('value'),
  stddev: stddev('value'),
  twap: twap('value'),
  vwap: vwap('value', 'size'),
  ...ohlc('value'),
};

export const DECIMAL = { total: sum('amount'), mean: avg('amount'), least: min('amount'), most: max('amount') };

export const PICKED = {
  first: first('value'),
  last: last('text'),
  firstSide: first('side', { nulls: 'keep' }),
  lastAmount: last('amount', { nulls: 'keep' }),
  earliest: earliest('flag'),
  latest: latest('text'),
};

export const COUNTED = {
  values: countDistinct('value'),
  texts: countDistinct('text'),
  top: topK('text', 2),
  topAmounts: topK('amount', 3),
  collected: collect('text'),
  sides: collect('side'),
};

/** Σ value mod 7 of whole cents, in both forms. */
const remainder = {
  label: 'remainder',
  field: 'long',
  create: () => ({ cents: 0 }),
  add: (state: { cents: number }, { size }: Pick<SlotRow, 'size'>) => ({ cents: (state.cents + centsOf(size)) % 7 }),
  merge: (state: { cents: number }, other: { cents: number }) => ({ cents: (state.cents + other.cents) % 7 }),
  result: ({ cents }: { cents: number }) => cents,
} as const;

function centsOf(size: number | null): number {
  return size === null || Number.isNaN(size) ? 0 : Math.abs(Math.round(size * 100)) % 7;
}

export const SKETCHED = {
  distinctTexts: countDistinctApprox('text'),
  distinctValues: countDistinctApprox('value'),
  median: quantile('value', 0.5),
  high: quantile('value', 0.99, { relativeError: 0.001 }),
  remainder: custom(remainder),
  remainderOfColumns: custom({
    ...remainder,
    addColumns: (states, columns, rows, slots, from, to) => {
      const column = columns.byName.get('size');
      if (column?.kind !== 'double') throw new TypeError('no sizes');
      for (let i = from; i < to; i++) {
        const row = rows[i] ?? 0;
        const state = states[slots[i] ?? 0];
        const size = column.nulls?.[row] === 1 ? null : (column.values[row] ?? null);
        if (state !== undefined) state.cents = (state.cents + centsOf(size)) % 7;
      }
    },
  }),
};

export const BAR = { ...ohlcv('value', 'size') };

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -300, max: 300 }).map((cents) => cents / 100) },
  { weight: 2, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0.1, 1e-9, 123_456_789.123_45, 9e15, -9e15, 1 / 3, 1e17, 0.1 + 0.2, -0, 0, Number.NaN),
  },
);

function option<T>(...values: readonly T[]): fc.Arbitrary<T | null> {
  return fc.constantFrom(null, ...values);
}

export const slotRow: fc.Arbitrary<SlotRow> = fc.record({
  eventTime: fc.integer({ min: -3, max: 3 }),
  sequence: fc.option(fc.integer({ min: 0, max: 2 }), { nil: null }),
  value,
  size: value,
  text: option('a', 'b', 'ä "quoted"', ''),
  flag: option(true, false),
  side: option('buy', 'sell', 'none'),
  amount: option(
    '0.5',
    '-12.25',
    '7',
    '0',
    '-0.01',
    '90071992547409.91',
    '-90071992547409.92',
    // 2^64: its lower half is zero.
    '184467440737095516.16',
    '-999999999999999999999999999999.25',
    '888888888888888888888888888888888888888888888888888888888888888888888888.5',
  ),
});
