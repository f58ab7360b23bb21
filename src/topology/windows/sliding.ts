import { formatDuration, parseDurationMicros } from '../../core/time.ts';
import type { SlidingDefinition } from './definition.ts';

/**
 * Looks back from each record: one window `(t - size, t]` for each distinct event time t of a key, with all records of the
 * key in it. As half-open bounds: `[t - size + 1 µs, t + 1 µs)`.
 *
 * @example sliding('60s')
 * @throws TM_DURATION
 */
export function sliding(size: string): SlidingDefinition {
  const sizeMicros = parseDurationMicros(size);
  return { kind: 'sliding', interval: `back/${formatDuration(sizeMicros)}`, sizeMicros };
}
