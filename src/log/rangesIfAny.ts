import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from './log.ts';

/** Ranges of all partitions of a topic, in order; none of a topic that there is not. */
export async function rangesIfAny(log: Log, topic: string): Promise<readonly PartitionRange[]> {
  try {
    return await log.ranges(topic);
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TM_TOPIC_UNKNOWN') return [];
    throw error;
  }
}
