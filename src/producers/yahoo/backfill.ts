import type { MarketSeries } from '../market/marketSource.ts';
import { calendarEnd, calendarStart, periodOf } from '../market/periods.ts';
import { cutAt, type Stretch, within } from '../market/stretches.ts';
import { yahooBars } from './request.ts';

const DAY_MICROS = 86_400_000_000;
const YEAR = periodOf('12mo');

/** Yahoo gives so many days of an interval in one answer; of days, a year is asked for at a time. */
function daysAtOnce(interval: string): number | null {
  if (interval === '1m') return 7;
  if (interval === '1h') return 700;
  return /\dm$/.test(interval) ? 55 : null;
}

/** The requests for the bars of a stretch. Of bars longer than a day it is one: a cut would fall within a bar. */
export function yahooBackfill(
  base: string,
  symbol: string,
  interval: string,
  stretch: Stretch,
): readonly MarketSeries[] {
  const isLong = /^([2-9]d|\d+(w|mo))$/.test(interval);
  const days = daysAtOnce(interval);
  const lengthMicros = (days ?? 0) * DAY_MICROS;
  const next = (micros: number): number =>
    days === null
      ? calendarEnd(YEAR, calendarStart(YEAR, micros))
      : (Math.floor(micros / lengthMicros) + 1) * lengthMicros;
  const stretches = isLong ? [stretch] : cutAt(stretch, next);
  return stretches.map((one) => {
    const period1 = String(Math.floor(one.fromMicros / 1_000_000));
    const period2 = String(Math.ceil(one.toMicros / 1_000_000));
    return within(yahooBars(base, symbol, interval, { period1, period2 }), one);
  });
}
