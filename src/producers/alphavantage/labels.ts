import { calendarEnd, calendarStart, type Period } from '../market/periods.ts';
import type { ToUtcMicros } from '../timeZone.ts';

const HOUR_MICROS = 3_600_000_000;
const DAY_MICROS = 24 * HOUR_MICROS;
/** Trading before and after hours goes from 04:00 to 20:00: no bar begins at 20:00, and none ends at 04:00. */
const FIRST_START = 4 * HOUR_MICROS;
const LAST_END = 20 * HOUR_MICROS;

/**
 * Until some day after June 2021, and until May 2026 at the latest, a bar of less than a day was labelled with its end; since
 * then with its start. Which day is not known: this one counts where the labels themselves do not tell.
 */
const STARTS_SINCE_MICROS = Date.UTC(2022, 0, 1) * 1_000;

/** How the labels of a response are to be read. */
export interface Labels {
  readonly period: Period;
  readonly toUtcMicros: ToUtcMicros;
  /** The label is the bar's end. */
  readonly areEnds: boolean;
}

/** Whether the labels of bars below a day, as readings of New York's clock, are ends. */
export function labelsAreEnds(localMicros: readonly number[], isStock: boolean, receivedMicros: number): boolean {
  const hasAt = (timeOfDay: number): boolean => localMicros.some((micros) => micros % DAY_MICROS === timeOfDay);
  if (isStock) {
    const hasEnd = hasAt(LAST_END);
    if (hasEnd !== hasAt(FIRST_START)) return hasEnd;
  }
  return receivedMicros < STARTS_SINCE_MICROS;
}

/** Start and end of the bar of a label, both epoch microseconds. A week's or month's label is a day in it. */
export function barOfLabel(
  localMicros: number,
  { period, toUtcMicros, areEnds }: Labels,
): { readonly startMicros: number; readonly endMicros: number } {
  const { lengthMicros } = period;
  if (lengthMicros !== null) {
    const label = toUtcMicros(localMicros);
    const startMicros = areEnds ? label - lengthMicros : label;
    return { startMicros, endMicros: startMicros + lengthMicros };
  }
  const start = calendarStart(period, localMicros);
  return { startMicros: toUtcMicros(start), endMicros: toUtcMicros(calendarEnd(period, start)) };
}
