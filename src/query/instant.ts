const MICROS_PER_SECOND = 1_000_000;
const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/;
/** Below this magnitude an epoch number is in seconds, below the next in milliseconds, then microseconds. */
const LEAST_MS = 1e11;
const LEAST_MICROS = 1e14;

/**
 * Epoch microseconds of an instant as a user writes it: ISO 8601 (UTC unless it names another zone; a date alone is its
 * midnight), or a count since 1970 in seconds, milliseconds or microseconds, told apart by magnitude. Null for other text.
 */
export function instantMicros(text: string): number | null {
  const micros = /^-?\d+$/.test(text) ? epochMicros(Number(text)) : isoMicros(text);
  return micros !== null && Number.isSafeInteger(micros) ? micros : null;
}

function epochMicros(count: number): number {
  if (Math.abs(count) < LEAST_MS) return count * MICROS_PER_SECOND;
  return Math.abs(count) < LEAST_MICROS ? count * 1_000 : count;
}

function isoMicros(text: string): number | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, date, time = '00:00', second = '00', fraction = '', zone = 'Z'] = match;
  const ms = Date.parse(`${date}T${time}:${second}${zone.replace(/(\d{2})(\d{2})$/, '$1:$2')}`);
  // Date.parse takes the 31st of any month for the first of the next.
  const isRealDate = Number.isFinite(ms) && new Date(`${date}T00:00Z`).toISOString().startsWith(date ?? '');
  return isRealDate ? ms * 1_000 + Number(fraction.padEnd(6, '0')) : null;
}
