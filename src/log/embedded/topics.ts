import { TidemarkError } from '../../errors.ts';
import type { TopicDescription, TopicPartition, TopicSettings } from '../log.ts';
import { type Store, type TopicRow, transact } from './store.ts';

/** Kafka's rule for topic names. */
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 1024;

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
    checkName(topic);
    checkSettings(topic, settings);
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
    if (existing !== null) checkSame(topic, existing, settings);
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
    const row = NAME.test(topic) ? this.#store.topics.get(topic) : undefined;
    if (row === undefined) {
      throw new TidemarkError('TM_TOPIC_UNKNOWN', `There is no topic ${topic}.`, {
        where: topic,
        hint: 'Make it first, or look for a slip in its name (tidemark topics lists what there is).',
      });
    }
    this.#known.set(topic, row);
    return row;
  }

  /** @throws TM_TOPIC_UNKNOWN */
  partition({ topic, partition }: TopicPartition): PartitionKey {
    const row = this.get(topic);
    if (!Number.isInteger(partition) || partition < 0 || partition >= row.partitions) {
      throw new TidemarkError(
        'TM_TOPIC_UNKNOWN',
        `Topic ${topic} has partitions 0 to ${row.partitions - 1}, not ${partition}.`,
        {
          where: `${topic}/${partition}`,
        },
      );
    }
    return { topicId: row.id, partition };
  }
}

function checkName(topic: string): void {
  if (NAME.test(topic) && topic !== '.' && topic !== '..') return;
  throw new TidemarkError('TM_TOPIC_NAME', `'${topic}' cannot name a topic.`, {
    hint: "A name has 1 to 249 letters, digits, '.', '_' and '-', and is not '.' or '..'.",
  });
}

function checkSettings(topic: string, { partitions, retentionMs }: TopicSettings): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new TidemarkError('TM_TOPIC_SETTINGS', `Topic ${topic} cannot have ${partitions} partitions.`, {
      where: topic,
      hint: `Give a whole number from 1 to ${MAX_PARTITIONS}.`,
    });
  }
  if (!Number.isSafeInteger(retentionMs) || retentionMs < -1) {
    throw new TidemarkError('TM_TOPIC_SETTINGS', `Topic ${topic} cannot keep records for ${retentionMs} ms.`, {
      where: topic,
      hint: 'Give whole milliseconds, or -1 to keep everything.',
    });
  }
}

function checkSame(topic: string, row: TopicRow, settings: TopicSettings): void {
  if (row.partitions === settings.partitions && row.retentionMs === settings.retentionMs) return;
  throw new TidemarkError(
    'TM_TOPIC_DIFFERS',
    `Topic ${topic} exists with ${row.partitions} partitions and retention ${row.retentionMs} ms; asked for were ` +
      `${settings.partitions} partitions and ${settings.retentionMs} ms.`,
    { where: topic, hint: 'Use its settings, or make a topic of another name and replay into it.' },
  );
}
