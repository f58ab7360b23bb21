import { TidemarkError } from '../errors.ts';
import type { TopicPartition, TopicSettings } from './log.ts';

/** Kafka's rule for topic names. */
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 1024;

export function isTopicName(topic: string): boolean {
  return NAME.test(topic) && topic !== '.' && topic !== '..';
}

/** @throws TM_TOPIC_NAME, TM_TOPIC_SETTINGS */
export function checkNewTopic(topic: string, { partitions, retentionMs }: TopicSettings): void {
  if (!isTopicName(topic)) {
    throw new TidemarkError('TM_TOPIC_NAME', `'${topic}' cannot name a topic.`, {
      hint: "A name has 1 to 249 letters, digits, '.', '_' and '-', and is not '.' or '..'.",
    });
  }
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

/** @throws TM_TOPIC_DIFFERS */
export function checkSameSettings(topic: string, existing: TopicSettings, asked: TopicSettings): void {
  if (existing.partitions === asked.partitions && existing.retentionMs === asked.retentionMs) return;
  throw new TidemarkError(
    'TM_TOPIC_DIFFERS',
    `Topic ${topic} exists with ${existing.partitions} partitions and retention ${existing.retentionMs} ms; asked for ` +
      `were ${asked.partitions} partitions and ${asked.retentionMs} ms.`,
    { where: topic, hint: 'Use its settings, or make a topic of another name and replay into it.' },
  );
}

export function unknownTopic(topic: string): TidemarkError {
  return new TidemarkError('TM_TOPIC_UNKNOWN', `There is no topic ${topic}.`, {
    where: topic,
    hint: 'Make it first, or look for a slip in its name (tidemark topics lists what there is).',
  });
}

/** @throws TM_TOPIC_UNKNOWN */
export function checkPartition({ topic, partition }: TopicPartition, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return;
  throw new TidemarkError(
    'TM_TOPIC_UNKNOWN',
    `Topic ${topic} has partitions 0 to ${partitions - 1}, not ${partition}.`,
    { where: `${topic}/${partition}` },
  );
}
