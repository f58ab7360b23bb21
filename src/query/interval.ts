import { formatDuration, parseDurationMicros } from '../core/time.ts';

const DURATION = /\d+(?:ms|s|m|h|d)/g;
const UNIT = '(?:ms|s|m|h|d)';
const GRID = `\\d+${UNIT}(?:/\\d+${UNIT})?(?:[+-]\\d+${UNIT})?`;
/** Of bars that sources publish. */
const CALENDAR = /^[1-9]\d*(?:w|mo)$/;
const INTERVAL = new RegExp(`^(?:${GRID}|(?:session|back|global)/\\d+${UNIT}|global/[1-9]\\d*)$`);

/**
 * An interval as results name it: 60s is 1m; a hopping window is size/slide, and an offset follows with its sign; sessions are
 * session/gap, look-backs back/size, global windows global/ and how often they emit; 1w and 3mo are of bars that sources published. Null for text that is no interval.
 * @throws TM_DURATION when a duration in it is zero or too long
 */
export function intervalName(text: string): string | null {
  if (CALENDAR.test(text)) return text;
  if (!INTERVAL.test(text)) return null;
  return text.replace(DURATION, (duration) => formatDuration(parseDurationMicros(duration)));
}
