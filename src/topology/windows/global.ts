import { formatDuration, MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { GlobalDefinition } from './definition.ts';

/**
 * When global windows emit what they hold: one of the two.
 *
 * @example const everyMinute: GlobalTrigger = { everyMs: 60_000 };
 */
export interface GlobalTrigger {
  /** After every so many records of the key. */
  readonly everyCount?: number;
  /** Whenever the watermark passes a multiple of so many milliseconds, and the key has new records. */
  readonly everyMs?: number;
}

/**
 * One window for each key, over all of time: it is never complete before the input ends and never expires, so no record is
 * late. Its trigger says when it emits. State: one slot for each key that ever came, for ever.
 *
 * @example globally({ everyCount: 100 })
 * @throws TM_WINDOW unless there is one trigger, a whole number above zero
 */
export function globally({ everyCount, everyMs }: GlobalTrigger): GlobalDefinition {
  if (everyCount !== undefined && everyMs === undefined && isTrigger(everyCount)) {
    return { kind: 'global', interval: `global/${everyCount}`, everyCount, everyMicros: Number.POSITIVE_INFINITY };
  }
  const everyMicros = (everyMs ?? 0) * MICROS_PER_MS;
  if (everyCount === undefined && everyMs !== undefined && isTrigger(everyMs) && isTrigger(everyMicros)) {
    const interval = `global/${formatDuration(everyMicros)}`;
    return { kind: 'global', interval, everyCount: Number.POSITIVE_INFINITY, everyMicros };
  }
  throw new TidemarkError('TM_WINDOW', `globally(...) got everyCount ${everyCount} and everyMs ${everyMs}`, {
    hint: 'Give one of the two, a whole number above zero: globally({ everyCount: 100 }) or globally({ everyMs: 60_000 }).',
  });
}

function isTrigger(every: number): boolean {
  return Number.isSafeInteger(every) && every > 0;
}
