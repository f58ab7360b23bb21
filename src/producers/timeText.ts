import { fixedOffsetMinutes, type ToUtcMicros } from './timeZone.ts';

/** Epoch microseconds of a text, NaN when it is not a time of the parser's form. */
export type TimeParser = (text: string) => number;

export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

/** Microseconds in a unit, as a power of ten. */
const UNIT_EXPONENTS: Readonly<Record<TimeUnit, number>> = { s: 6, ms: 3, us: 0, ns: -3 };
const MICROS_PER_MS = 1_000;
const MICROS_PER_MINUTE = 60_000_000;

const MIN_MICROS = Date.UTC(1900, 0, 1) * MICROS_PER_MS;
const END_MICROS = Date.UTC(2200, 0, 1) * MICROS_PER_MS;

/** Whether a time lies in the years 1900 to 2199; another one is a mistake of units more often than not. */
export function isSoundTime(micros: number): boolean {
  return micros >= MIN_MICROS && micros < END_MICROS;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$/;

const ZERO = '0'.charCodeAt(0);

/** Microseconds of digits alone, as nearly all counts are; NaN for any other text, and for more than a double surely holds. */
function plainCount(text: string, exponent: number, scale: number): number {
  if (text.length === 0) return Number.NaN;
  const point = text.length + exponent;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    if (i < point) count = count * 10 + digit;
  }
  const micros = count * scale;
  return Number.isSafeInteger(micros) ? micros : Number.NaN;
}

/**
 * A count of `unit`, whole or with a fraction, as whole microseconds rounded down. Digits are cut as text, so that 19-digit
 * nanoseconds, which no double holds, lose nothing above the microsecond.
 */
export function countParser(unit: TimeUnit): TimeParser {
  const exponent = UNIT_EXPONENTS[unit];
  const scale = 10 ** Math.max(0, exponent);
  return (text) => {
    const plain = plainCount(text, exponent, scale);
    if (!Number.isNaN(plain)) return plain;
    const [, sign, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
    if (whole === undefined) return Number.NaN;
    const digits = whole + fraction;
    const point = Math.max(0, whole.length + exponent);
    const magnitude = Number(digits.slice(0, point).padEnd(point, '0'));
    if (sign !== '-') return magnitude;
    const isCut = /[1-9]/.test(digits.slice(point));
    return 0 - magnitude - (isCut ? 1 : 0);
  };
}

/** A count of `unit` on the wall clock of a zone since midnight of a day, given as that midnight's reading. */
export function sinceMidnightParser(unit: TimeUnit, midnightMicros: number, toUtcMicros: ToUtcMicros): TimeParser {
  const parseCount = countParser(unit);
  return (text) => toUtcMicros(midnightMicros + parseCount(text));
}

/** The parts of a wall clock's reading, as text: the named groups of a match. */
type ClockReading = Readonly<Record<string, string | undefined>>;

/** The reading as if it were UTC, in microseconds; NaN where the calendar or the clock has no such reading. */
function readingMicros(reading: ClockReading): number {
  const { year, month, day, hour = '0', minute = '0', second = '0', fraction = '' } = reading;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return date.getTime() * MICROS_PER_MS + seconds * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

const ISO =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?(?<offset>Z|[+-]\d\d:?\d\d)?$/;

/** ISO 8601 date, or date and time, with any number of decimals; `toUtcMicros` is for texts without an offset of their own. */
export function isoParser(toUtcMicros: ToUtcMicros): TimeParser {
  return (text) => {
    const groups = ISO.exec(text)?.groups;
    if (groups === undefined) return Number.NaN;
    const localMicros = readingMicros(groups);
    if (groups.offset === undefined) return toUtcMicros(localMicros);
    const offsetMinutes = fixedOffsetMinutes(groups.offset);
    return offsetMinutes === null ? Number.NaN : localMicros - offsetMinutes * MICROS_PER_MINUTE;
  };
}

const FORMAT_TOKEN = /YYYY|MM|DD|HH|mm|ss|S+/g;
const TOKEN_GROUPS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  MM: '(?<month>\\d\\d)',
  DD: '(?<day>\\d\\d)',
  HH: '(?<hour>\\d\\d)',
  mm: '(?<minute>\\d\\d)',
  ss: '(?<second>\\d\\d)',
};

/**
 * A wall clock's reading by a format such as `YYYYMMDD HH:mm:ss.SSS`: the tokens YYYY, MM, DD, HH, mm, ss and S (decimals),
 * each at most once, the rest as it stands. Null when the format has no whole date or a token twice.
 */
export function formatParser(format: string, toUtcMicros: ToUtcMicros): TimeParser | null {
  const tokens = (format.match(FORMAT_TOKEN) ?? []).map((token) => (token.startsWith('S') ? 'S' : token));
  const hasDate = ['YYYY', 'MM', 'DD'].every((token) => tokens.includes(token));
  if (!hasDate || new Set(tokens).size < tokens.length) return null;
  const literals = format.split(FORMAT_TOKEN).map((literal) => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const groups = tokens.map((token) => TOKEN_GROUPS[token] ?? '(?<fraction>\\d+)');
  const pattern = new RegExp(`^${literals.map((literal, index) => literal + (groups[index] ?? '')).join('')}$`);
  return (text) => {
    const reading = pattern.exec(text)?.groups;
    return reading === undefined ? Number.NaN : toUtcMicros(readingMicros(reading));
  };
}

const DATE = /^(?<year>\d{4})-?(?<month>\d\d)-?(?<day>\d\d)$/;

/** Midnight of `20140506` or `2014-05-06` as if in UTC, in microseconds; NaN for another text. */
export function midnightOf(date: string): number {
  const reading = DATE.exec(date)?.groups;
  return reading === undefined ? Number.NaN : readingMicros(reading);
}
