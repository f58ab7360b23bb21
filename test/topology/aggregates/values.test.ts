import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort } from '../../support/effort.ts';
import {
  add,
  compare,
  formatDecimal,
  multiply,
  nearestQuotient,
  parseDecimal,
  ZERO,
} from '../../support/oracle/decimal.ts';
import { chunkOf, SLOT_END, type SlotRow, SlotsDrive } from '../../support/slotsDrive.ts';
import { COUNTED, DECIMAL, NUMERIC, PICKED, SKETCHED, slotRow } from './slotAggregates.ts';

const RUNS = effort(500);

/** Numbers whose text is plain, so that the oracle reads them. */
const rows = fc.array(
  fc.tuple(slotRow, fc.option(fc.integer({ min: -300, max: 300 }), { nil: null })).map(([row, cents]): SlotRow => {
    return { ...row, value: cents === null ? null : cents / 100, size: row.size === null ? null : row.eventTime + 4 };
  }),
  { minLength: 1, maxLength: 20 },
);

function resultOf(aggregates: ConstructorParameters<typeof SlotsDrive>[0], given: readonly SlotRow[]) {
  const chunk = chunkOf(given, 0);
  return new SlotsDrive(aggregates)
    .add(
      chunk,
      given.map((_, index) => [index, 0] as const),
    )
    .result(0);
}

function present<K extends keyof SlotRow>(given: readonly SlotRow[], field: K): NonNullable<SlotRow[K]>[] {
  return given.flatMap((row) => (row[field] === null ? [] : [row[field] as NonNullable<SlotRow[K]>]));
}

const decimal = (value: number) => parseDecimal(String(value));
const total = (values: readonly number[]) => values.map(decimal).reduce(add, ZERO);

/** Rows by event time, then sequence (none first), then arrival. */
function inOrder(given: readonly SlotRow[]): SlotRow[] {
  return [...given].sort((a, b) => a.eventTime - b.eventTime || (a.sequence ?? -1) - (b.sequence ?? -1));
}

function twapOf(given: readonly SlotRow[]): number | null {
  const ordered = inOrder(given.filter(({ value }) => value !== null));
  let weighted = ZERO;
  ordered.forEach(({ eventTime, value }, index) => {
    const until = ordered[index + 1]?.eventTime ?? SLOT_END;
    weighted = add(weighted, multiply(decimal(value ?? 0), decimal(until - eventTime)));
  });
  const [first] = ordered;
  return first === undefined ? null : nearestQuotient(weighted, decimal(SLOT_END - first.eventTime));
}

function varianceOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const n = decimal(values.length);
  const sum = total(values);
  const squares = values.map((value) => multiply(decimal(value), decimal(value))).reduce(add, ZERO);
  const spread = add(multiply(n, squares), multiply(parseDecimal('-1'), multiply(sum, sum)));
  return nearestQuotient(spread, multiply(n, n));
}

describe('aggregates of a window, against plain arithmetic on its rows', () => {
  it('numbers', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const result = resultOf(NUMERIC, given);
        const values = present(given, 'value');
        const none = values.length === 0;
        const ordered = inOrder(given.filter(({ value }) => value !== null));
        const [opening, closing] = [ordered[0], ordered.at(-1)];
        const traded = given.filter(({ value, size }) => value !== null && size !== null);
        const notional = traded.map(({ value, size }) => multiply(decimal(value ?? 0), decimal(size ?? 0)));
        const volume = total(traded.map(({ size }) => size ?? 0));
        expect(result).toMatchObject({
          count: given.length,
          present: values.length,
          sum: none ? null : formatDecimal(total(values)),
          avg: none ? null : nearestQuotient(total(values), decimal(values.length)),
          min: none ? null : Math.min(...values),
          max: none ? null : Math.max(...values),
          variance: varianceOf(values),
          twap: twapOf(given),
          open: opening?.value ?? null,
          openTime: opening?.eventTime ?? null,
          openSequence: opening?.sequence ?? null,
          close: closing?.value ?? null,
          closeTime: closing?.eventTime ?? null,
          closeSequence: closing?.sequence ?? null,
          high: none ? null : Math.max(...values),
          low: none ? null : Math.min(...values),
          vwap: volume.unscaled === 0n ? null : nearestQuotient(notional.reduce(add, ZERO), volume),
        });
        const variance = varianceOf(values);
        if (variance === null) expect(result.stddev).toBeNull();
        else expect(result.stddev).toBeCloseTo(Math.sqrt(variance), 12);
      }),
      { numRuns: RUNS },
    );
  });

  it('decimals, however many digits they have', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const amounts = present(given, 'amount').map(parseDecimal);
        const sum = amounts.reduce(add, ZERO);
        const sorted = [...amounts].sort(compare);
        const text = (value: (typeof amounts)[number] | undefined) =>
          value === undefined ? null : formatDecimal(value);
        expect(resultOf(DECIMAL, given)).toEqual({
          total: amounts.length === 0 ? null : formatDecimal(sum),
          mean: amounts.length === 0 ? null : nearestQuotient(sum, decimal(amounts.length)),
          least: text(sorted[0]),
          most: text(sorted.at(-1)),
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('a sum of more digits than a column holds is null, and those of other windows are not', () => {
    const row = { eventTime: 1, sequence: null, size: null, text: null, flag: null, side: null, amount: null };
    const sumOf = (...values: readonly number[]) => {
      return resultOf(
        NUMERIC,
        values.map((value) => ({ ...row, value })),
      ).sum;
    };
    expect([sumOf(1e39), sumOf(1e40), sumOf(-1e40), sumOf(-1e300)]).toEqual([`1${'0'.repeat(39)}`, null, null, null]);
    expect([sumOf(1e40, 1, -1e40), sumOf(9e39, 9e39)]).toEqual(['1', null]);
  });

  it.each([[[-0, 0]], [[0, -0]]])('extremes of %j have no sign', (values) => {
    const row = { eventTime: 1, sequence: null, size: null, text: null, flag: null, side: null, amount: null };
    const { min, max, high, low } = resultOf(
      NUMERIC,
      values.map((value) => ({ ...row, value })),
    );
    expect([min, max, high, low]).toEqual([0, 0, 0, 0]);
  });

  it('picked values, of any kind', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const ordered = inOrder(given);
        expect(resultOf(PICKED, given)).toEqual({
          first: present(given, 'value')[0] ?? null,
          last: present(given, 'text').at(-1) ?? null,
          firstSide: given[0]?.side,
          lastAmount: given.at(-1)?.amount,
          earliest: present(ordered, 'flag')[0] ?? null,
          latest: present(ordered, 'text').at(-1) ?? null,
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('sketches within their error, and own aggregates', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const result = resultOf(SKETCHED, given);
        const values = present(given, 'value').sort((a, b) => a - b);
        const near = (q: number, error: number) => {
          const exact = values[Math.floor(q * (values.length - 1))];
          if (exact === undefined) return null;
          const bound = Math.abs(exact) * error * (1 + 1e-9);
          return expect.toSatisfy((estimate) => Math.abs(Number(estimate) - exact) <= bound);
        };
        // Of so few, at most one or two are hashed to a register that another one has.
        const about = (size: number) => expect.toSatisfy((estimate) => Math.abs(Number(estimate) - size) <= 2);
        const cents = present(given, 'size').reduce((sum, size) => sum + Math.round(size * 100), 0);
        expect(result).toEqual({
          distinctTexts: about(new Set(present(given, 'text')).size),
          distinctValues: about(new Set(values).size),
          median: near(0.5, 0.01),
          high: near(0.99, 0.001),
          remainder: cents % 7,
          remainderOfColumns: cents % 7,
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('counted and collected values', () => {
    const top = (values: readonly string[], k: number, before: (a: string, b: string) => number): string | null => {
      const counts = [...new Set(values)].map((value) => {
        return { value, count: values.filter((other) => other === value).length };
      });
      counts.sort((a, b) => b.count - a.count || before(a.value, b.value));
      return counts.length === 0 ? null : JSON.stringify(counts.slice(0, k));
    };
    fc.assert(
      fc.property(rows, (given) => {
        const result = resultOf(COUNTED, given);
        expect(result).toMatchObject({
          values: new Set(present(given, 'value')).size,
          texts: new Set(present(given, 'text')).size,
          top: top(present(given, 'text'), 2, (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          collected: JSON.stringify(given.map(({ text }) => text)),
          sides: JSON.stringify(given.map(({ side }) => side)),
        });
      }),
      { numRuns: RUNS },
    );
  });
});
