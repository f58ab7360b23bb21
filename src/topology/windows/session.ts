import { formatDuration, parseDurationMicros } from '../../core/time.ts';
import type { SessionDefinition } from './definition.ts';

/**
 * A window for each burst of a key's records: `[first, last + gap)`. Records at most a gap apart share one; a record
 * between two merges them.
 *
 * @example session('30s')
 * @throws TM_DURATION
 */
export function session(gap: string): SessionDefinition {
  const gapMicros = parseDurationMicros(gap);
  return { kind: 'session', interval: `session/${formatDuration(gapMicros)}`, gapMicros };
}
