import { generationTopic } from '../../core/output.ts';
import { type ApiParts, TOPOLOGY } from '../parts.ts';
import { type BarEvent, BarEvents } from './barEvents.ts';

const READ_BOUNDS = { maxRecords: 4_096, maxBytes: 1024 * 1024 };

export interface MissedRange {
  readonly generation: number;
  readonly partition: number;
  /** First offset, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/**
 * The results of a range of one partition that are wanted, each bar once, at its newest revision there. They are in the
 * order of their offsets: after each, whoever has seen it has missed nothing below its offset but what a later one
 * replaces. So a reader that is cut off in between resumes at the next offset.
 */
export async function missedEvents(
  { log, registry }: ApiParts,
  { generation, partition, from, to }: MissedRange,
  isWanted: (event: BarEvent) => boolean,
): Promise<Iterable<BarEvent>> {
  const place = { topic: generationTopic(TOPOLOGY, generation), partition };
  const decoder = new BarEvents(registry);
  const newest = new Map<string, BarEvent>();
  const reader = await log.openReader([{ ...place, offset: from }]);
  try {
    while (reader.position(place) < to) {
      const chunk = await reader.read(READ_BOUNDS, 0);
      if (chunk === null) break;
      for (const event of await decoder.of(chunk)) {
        if (event.offset >= to || !isWanted(event)) continue;
        // Deleted first, so that the bar goes to the end of the map's order.
        newest.delete(event.bar);
        newest.set(event.bar, event);
      }
    }
  } finally {
    await reader.close();
  }
  return newest.values();
}
