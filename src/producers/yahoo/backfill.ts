import type { MarketSeries } from '../market/marketSource.ts';
import { calendarEnd, calendarStart, periodOf } from '../market/periods.ts';
import { cutAt, type Stretch, within } from '../market/stretches.ts';
import { yahooBars } from './request.ts';

const DAY_MICROS = 86_400_000_000;
const YEAR = periodOf('12mo');

/** Yahoo gives so many days of an interval in one answer; of days and longer ones, a year is asked for at a time. */
function daysAtOnce(interval: string): number | null {
  if (interval === '1m') return 7;
  if (interval === '1h') return 700;
  return /\dm$/.test(interval) ? 55 : null;
}

/** The requests for the bars of a stretch. */
export function yahooBackfill(
  base: string,
  symbol: string,
  interval: string,
  stretch: Stretch,
): readonly MarketSeries[] {
  const days = daysAtOnce(interval);
  const lengthMicros = (days ?? 0) * DAY_MICROS;
  const next = (micros: number): number =>
    days === null
      ? calendarEnd(YEAR, calendarStart(YEAR, micros))
      : (Math.floor(micros / lengthMicros) + 1) * lengthMicros;
  return cutAt(stretch, next).map((one) => {
    const period1 = String(Math.floor(one.fromMicros / 1_000_000));
    const period2 = String(Math.ceil(one.toMicros / 1_000_000));
    return within(yahooBars(base, symbol, interval, { period1, period2 }), one);
  });
}
