/** Where bars go that a market API publishes as time goes on. */
export const BARS_TOPIC = 'source_bars';

/**
 * Where backfills go: history would be late for topologies that read the live topic. ClickHouse holds both in one table, and
 * serves them as one.
 */
export const HISTORY_TOPIC = 'source_bars_history';

/** The topics that bars were published in before, for one who publishes to a topic: a bar has one row of revisions. */
export function publishedTopics(topic: string): readonly string[] {
  return topic === BARS_TOPIC || topic === HISTORY_TOPIC ? [BARS_TOPIC, HISTORY_TOPIC] : [topic];
}
