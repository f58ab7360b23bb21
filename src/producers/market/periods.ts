import { parseDurationMicros } from '../../core/time.ts';

const DAY_MICROS = 86_400_000_000;
/** 1970-01-01 was a Thursday: three days after a Monday. */
const DAYS_PAST_MONDAY = 3;

/** A period of a bar: of a fixed length, or of the calendar. */
export interface Period {
  /** As the records have it: 1m, 1h, 1d, 1w, 1mo, 3mo. */
  readonly interval: string;
  /** Of a fixed length below a day, in microseconds; null for days and what is longer. */
  readonly lengthMicros: number | null;
  readonly days: number;
  readonly months: number;
}

/** The period of an interval's name; the interval must be one. @throws TM_DURATION */
export function periodOf(interval: string): Period {
  const [, count = '', unit = ''] = /^(\d+)(d|w|mo)$/.exec(interval) ?? [];
  if (unit === 'mo') return { interval, lengthMicros: null, days: 0, months: Number(count) };
  if (unit !== '') return { interval, lengthMicros: null, days: Number(count) * (unit === 'w' ? 7 : 1), months: 0 };
  return { interval, lengthMicros: parseDurationMicros(interval), days: 0, months: 0 };
}

/** The beginning of the day, week (on Monday), month or quarter that a wall clock's reading lies in, as a reading. */
export function calendarStart({ days, months }: Period, localMicros: number): number {
  if (months > 0) return addMonths(localMicros, months, 0);
  const day = Math.floor(localMicros / DAY_MICROS);
  return (days === 7 ? day - ((day + DAYS_PAST_MONDAY) % 7) : day) * DAY_MICROS;
}

/** Where the calendar period ends that begins at a reading. */
export function calendarEnd({ days, months }: Period, localStart: number): number {
  return months > 0 ? addMonths(localStart, months, 1) : localStart + days * DAY_MICROS;
}

/** The beginning of the stretch of `months` months that a reading lies in, and `stretches` further. */
function addMonths(localMicros: number, months: number, stretches: number): number {
  const date = new Date(localMicros / 1_000);
  const month = Math.floor(date.getUTCMonth() / months) * months + stretches * months;
  return Date.UTC(date.getUTCFullYear(), month, 1) * 1_000;
}
