import { formatIsoMicros, MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import { type EventTimeBounds, highestEventTimes } from '../eventTimes.ts';
import { committedPositions } from '../produce.ts';
import type { SourcePart } from '../source.ts';

/**
 * Refuses a backfill into a topic that has come further than where it begins: topologies that read it would find its bars late. One that was
 * begun there goes on.
 * @throws TM_PRODUCE_HISTORY
 */
export async function refuseHistoryOf(
  log: Log,
  parts: readonly SourcePart[],
  fromMicros: number,
  { outOfOrdernessMs, allowedLatenessMs }: EventTimeBounds,
): Promise<void> {
  if ((await committedPositions(log, parts)).some((position) => position !== null)) return;
  const behindMicros = (outOfOrdernessMs + allowedLatenessMs) * MICROS_PER_MS;
  for (const topic of new Set(parts.map((part) => part.topic))) {
    const highest = Math.max(...(await highestEventTimes(log, topic)).values());
    if (fromMicros > highest - behindMicros) continue;
    throw new TidemarkError(
      'TM_PRODUCE_HISTORY',
      `bars from ${formatIsoMicros(fromMicros)} on would be late: the topic has come to ${formatIsoMicros(highest)}`,
      {
        where: topic,
        hint: 'nothing was asked for; leave --topic out, so that they go to a topic of their own, which `tidemark replay start --history source_bars_history` joins, or add --allow-late',
      },
    );
  }
}
