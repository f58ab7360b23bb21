import type { TopicDescription, TopicPartition, TopicSettings } from '../log.ts';
import { checkNewTopic, checkPartition, checkSameSettings, isTopicName, unknownTopic } from '../topicRules.ts';
import { type Store, type TopicRow, transact } from './store.ts';

/** Numeric place of a partition: what the other rows are keyed by. */
export interface PartitionKey {
  readonly topicId: number;
  readonly partition: number;
}

/** The topics of a store. They never change once made, so a row that was read is kept. */
export class Topics {
  readonly #store: Store;
  readonly #known = new Map<string, TopicRow>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws TM_TOPIC_NAME, TM_TOPIC_SETTINGS, TM_TOPIC_DIFFERS */
  create(topic: string, settings: TopicSettings): void {
    checkNewTopic(topic, settings);
    const store = this.#store;
    const existing = transact(store, () => {
      const row = store.topics.get(topic);
      if (row !== undefined) return row;
      // Topics are never deleted: their number is the last id.
      const id = store.topics.getKeysCount() + 1;
      store.topics.putSync(topic, { id, partitions: settings.partitions, retentionMs: settings.retentionMs });
      for (let partition = 0; partition < settings.partitions; partition++) {
        store.partitions.putSync([id, partition], { begin: 0, end: 0, lastAppendMs: 0 });
      }
      return null;
    });
    if (existing !== null) checkSameSettings(topic, existing, settings);
  }

  list(): TopicDescription[] {
    this.#store.root.resetReadTxn();
    return Array.from(this.#store.topics.getRange(), ({ key, value }) => ({
      topic: key,
      partitions: value.partitions,
      retentionMs: value.retentionMs,
    }));
  }

  /** @throws TM_TOPIC_UNKNOWN */
  get(topic: string): TopicRow {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const row = isTopicName(topic) ? this.#store.topics.get(topic) : undefined;
    if (row === undefined) throw unknownTopic(topic);
    this.#known.set(topic, row);
    return row;
  }

  /** @throws TM_TOPIC_UNKNOWN */
  partition(place: TopicPartition): PartitionKey {
    const row = this.get(place.topic);
    checkPartition(place, row.partitions);
    return { topicId: row.id, partition: place.partition };
  }
}
