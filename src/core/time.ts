import { TidemarkError } from '../errors.ts';

/**
 * Event time is a whole number of microseconds since 1970-01-01 UTC, held in a double: exact to 2^53, the year 2255.
 * Durations are microseconds too. Names carry the unit.
 */

export const MICROS_PER_MS = 1_000;
/** @throws TM_VALUE_RANGE when an event time is not a whole number of microseconds below 2^53 */
export function checkEventTime(tsMicros: number, where?: string): void {
  if (Number.isSafeInteger(tsMicros)) return;
  throw new TidemarkError('TM_VALUE_RANGE', `${tsMicros} is no event time`, {
    ...(where === undefined ? {} : { where }),
    hint: 'An event time is a whole number of microseconds whose magnitude is below 2^53.',
  });
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['m', 60_000_000],
  ['s', 1_000_000],
  ['ms', MICROS_PER_MS],
];
const DURATION = /^([0-9]+)(ms|s|m|h|d)$/;

/**
 * Microseconds of a duration such as `500ms`, `1s`, `5m`, `1h` or `1d`.
 *
 * @example parseDurationMicros('5m') // 300000000
 * @throws TM_DURATION when the text is not of that form, is zero, or is too long to be exact
 */
export function parseDurationMicros(text: string): number {
  const match = DURATION.exec(text);
  const unit = UNITS.find(([name]) => name === match?.[2]);
  const micros = match === null || unit === undefined ? 0 : Number(match[1]) * unit[1];
  if (micros > 0 && Number.isSafeInteger(micros)) return micros;
  throw new TidemarkError('TM_DURATION', `'${text}' is not a duration`, {
    hint: 'Write a whole number above zero and a unit: 500ms, 1s, 5m, 1h, 1d.',
  });
}

/**
 * The one name of a duration: the widest unit that divides it. `60s` and `1m` are both `1m`.
 *
 * @example formatDuration(60_000_000) // '1m'
 */
export function formatDuration(micros: number): string {
  for (const [name, size] of UNITS) if (micros % size === 0) return `${micros / size}${name}`;
  return `${micros}us`;
}

/**
 * ISO 8601 in UTC with milliseconds, or microseconds where there are any.
 *
 * @example formatIsoMicros(1_723_161_600_000_001) // '2024-08-09T00:00:00.000001Z'
 */
export function formatIsoMicros(tsMicros: number): string {
  const ms = Math.floor(tsMicros / MICROS_PER_MS);
  const rest = tsMicros - ms * MICROS_PER_MS;
  const iso = new Date(ms).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
