import { isObject } from '../market/refusals.ts';
import type { BarNumbers } from '../market/response.ts';
import { shortestFloat } from './float32.ts';

/** More than amounts have, and fewer than a double holds. */
const SIGNIFICANT_DIGITS = 12;

/** What happened to a share on the days of a bar. */
export type RowEvents = Partial<Pick<BarNumbers, 'dividend' | 'splitFactor' | 'capitalGain'>>;

/**
 * Dividends, splits and capital gains by the row of their bar. They are kept under the time of the bar; one under another time belongs to
 * the last bar that begins before it. Of several in one bar, amounts are added up and splits multiplied.
 */
export function eventsByRow(events: unknown, times: readonly unknown[]): ReadonlyMap<number, RowEvents> {
  const rows = new Map<number, RowEvents>();
  if (!isObject(events)) return rows;
  const add = (seconds: string, name: keyof RowEvents, join: (before: number | null) => number): void => {
    const row = times.findLastIndex((time) => typeof time === 'number' && time <= Number(seconds));
    const found = rows.get(row);
    if (row >= 0) rows.set(row, { ...found, [name]: join(found?.[name] ?? null) });
  };
  for (const [name, list] of [
    ['dividend', events.dividends],
    ['capitalGain', events.capitalGains],
  ] as const) {
    for (const [seconds, paid] of Object.entries(isObject(list) ? list : {})) {
      if (!isObject(paid) || typeof paid.amount !== 'number') continue;
      const amount = shortestFloat(paid.amount);
      add(seconds, name, (before) => (before === null ? amount : decimalSum(before, amount)));
    }
  }
  for (const [seconds, split] of Object.entries(isObject(events.splits) ? events.splits : {})) {
    if (!isObject(split) || typeof split.numerator !== 'number' || typeof split.denominator !== 'number') continue;
    const factor = split.numerator / split.denominator;
    if (split.denominator > 0) add(seconds, 'splitFactor', (before) => factor * (before ?? 1));
  }
  return rows;
}

/** Of two amounts with a few digits each: 0.1 and 0.2 are 0.3. */
function decimalSum(one: number, other: number): number {
  return Number((one + other).toPrecision(SIGNIFICANT_DIGITS));
}
