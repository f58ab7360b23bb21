import { isObject } from '../market/refusals.ts';
import type { BarNumbers } from '../market/response.ts';
import { shortestFloat } from './float32.ts';

/** What happened to a share on a day of a bar. */
export type RowEvents = Partial<Pick<BarNumbers, 'dividend' | 'splitFactor'>>;

/**
 * Dividends and splits by the row of their bar. They are kept under the time of the bar; one under another time belongs to the
 * last bar that begins before it.
 */
export function eventsByRow(events: unknown, times: readonly unknown[]): ReadonlyMap<number, RowEvents> {
  const rows = new Map<number, RowEvents>();
  if (!isObject(events)) return rows;
  const add = (seconds: string, found: RowEvents): void => {
    const row = times.findLastIndex((time) => typeof time === 'number' && time <= Number(seconds));
    if (row >= 0) rows.set(row, { ...rows.get(row), ...found });
  };
  for (const [seconds, dividend] of Object.entries(isObject(events.dividends) ? events.dividends : {})) {
    if (!isObject(dividend) || typeof dividend.amount !== 'number') continue;
    add(seconds, { dividend: shortestFloat(dividend.amount) });
  }
  for (const [seconds, split] of Object.entries(isObject(events.splits) ? events.splits : {})) {
    if (!isObject(split) || typeof split.numerator !== 'number' || typeof split.denominator !== 'number') continue;
    if (split.denominator > 0) add(seconds, { splitFactor: split.numerator / split.denominator });
  }
  return rows;
}
