const MICROS_PER_MINUTE = 60_000_000;
const MICROS_PER_DAY = 86_400_000_000;
/** Offsets are looked up once per stretch of this length; no zone has changed its offset inside one since 1940. */
const STRETCH_MICROS = 15 * MICROS_PER_MINUTE;

/** From a wall clock's reading, as if it were UTC, to the instant: epoch microseconds both; NaN where there is none. */
export type ToUtcMicros = (localMicros: number) => number;

/** Beyond this, give or take two days, the runtime has no dates. */
const LAST_MICROS = 8.64e18 - 2 * MICROS_PER_DAY;

const FIXED_OFFSET = /^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})$/;

/** Minutes east of UTC of `UTC`, `Z`, `+05:30`, `UTC-05:00`; null for any other text. */
export function fixedOffsetMinutes(text: string): number | null {
  if (text === 'UTC' || text === 'Z') return 0;
  const [, sign, hours, minutes] = FIXED_OFFSET.exec(text) ?? [];
  if (hours === undefined || minutes === undefined || Number(minutes) > 59 || Number(hours) > 18) return null;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/**
 * The conversion of a time zone: a fixed offset, or an IANA name such as `America/New_York`. A reading that a zone has
 * twice (clocks set back) is the earlier instant; one that it skips (clocks set forward) counts on from before the change:
 * Temporal's `compatible`. Null when there is no such zone.
 */
export function timeZone(name: string): ToUtcMicros | null {
  const offsetMinutes = fixedOffsetMinutes(name);
  if (offsetMinutes !== null) return (localMicros) => localMicros - offsetMinutes * MICROS_PER_MINUTE;
  const offsetAt = zoneOffsets(name);
  if (offsetAt === null) return null;
  let stretch = Number.NaN;
  let offsetMicros = 0;
  return (localMicros) => {
    if (!(Math.abs(localMicros) <= LAST_MICROS)) return Number.NaN;
    const of = Math.floor(localMicros / STRETCH_MICROS);
    if (of !== stretch) {
      offsetMicros = localOffset(offsetAt, localMicros);
      stretch = of;
    }
    return localMicros - offsetMicros;
  };
}

/** The reading of a zone's wall clock at an instant, as if it were UTC; null when there is no such zone. */
export function wallClock(name: string): ((utcMicros: number) => number) | null {
  const offsetAt = zoneOffsets(name);
  return offsetAt === null ? null : (utcMicros) => utcMicros + offsetAt(utcMicros);
}

function localOffset(offsetAt: (utcMicros: number) => number, localMicros: number): number {
  const before = offsetAt(localMicros - MICROS_PER_DAY);
  const after = offsetAt(localMicros + MICROS_PER_DAY);
  for (const offset of before > after ? [before, after] : [after, before]) {
    if (offsetAt(localMicros - offset) === offset) return offset;
  }
  return before;
}

/** Offset in microseconds at an instant, from the runtime's own zone tables. */
function zoneOffsets(timeZoneName: string): ((utcMicros: number) => number) | null {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timeZoneName,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return (utcMicros) => {
    const utcMs = Math.floor(utcMicros / 1_000_000) * 1_000;
    const part = new Map(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
    const read = (type: Intl.DateTimeFormatPartTypes): number => part.get(type) ?? 0;
    const localMs = Date.UTC(
      read('year'),
      read('month') - 1,
      read('day'),
      read('hour'),
      read('minute'),
      read('second'),
    );
    return (localMs - utcMs) * 1_000;
  };
}
