import { TidemarkError } from '../../errors.ts';
import type {
  BulkWriter,
  Log,
  LogReader,
  Membership,
  PartitionOwner,
  PartitionRange,
  Position,
  TopicDescription,
  TopicPartition,
  TopicSettings,
  TransactionalWriter,
} from '../log.ts';
import { checkId, checkOffset } from '../positionRules.ts';
import { type BrokerSettings, checkPemFiles } from './brokerSettings.ts';
import { type BrokerClient, loadBrokerClient } from './client.ts';
import { GroupHandles } from './groups.ts';
import { KafkaMember } from './kafkaMember.ts';
import { KafkaReader } from './kafkaReader.ts';
import { KafkaWriter, type Reports, type WriterParts } from './kafkaWriter.ts';
import { BrokerTopics } from './topics.ts';

const ONE_RECORD = { maxRecords: 1, maxBytes: 1 };

/**
 * Opens the log of a broker that speaks Kafka's protocol (Apache Kafka, Redpanda).
 * @throws TM_CONFIG, TM_BROKER_CLIENT, TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS
 */
export async function openKafkaLog(settings: BrokerSettings): Promise<Log> {
  checkPemFiles(settings);
  const client = await loadBrokerClient();
  const topics = new BrokerTopics(client, settings);
  try {
    await topics.checkReachable(settings.startTimeoutMs);
  } catch (error) {
    await topics.close();
    throw error;
  }
  return new KafkaLog(client, settings, topics);
}

class KafkaLog implements Log {
  readonly #parts: WriterParts;
  /** What is to be closed with the log. */
  readonly #opened = new Set<LogReader | BulkWriter | Membership>();
  #closed = false;

  constructor(client: BrokerClient, settings: BrokerSettings, topics: BrokerTopics) {
    const groups = new GroupHandles(client, settings);
    const onClosed = (one: LogReader | BulkWriter | Membership) => this.#opened.delete(one);
    this.#parts = { client, settings, topics, groups, isLogClosed: () => this.#closed, onClosed };
  }

  async createTopic(topic: string, settings: TopicSettings): Promise<void> {
    await this.#open.create(topic, settings);
  }

  async listTopics(): Promise<readonly TopicDescription[]> {
    return this.#open.list();
  }

  async ranges(topic: string): Promise<readonly PartitionRange[]> {
    const partitions = await this.#open.partitions(topic);
    return this.#open.ranges(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })));
  }

  async offsetAtTime(partition: TopicPartition, epochMs: number): Promise<number> {
    const topics = this.#open;
    await topics.check(partition);
    const [range] = await topics.ranges([partition]);
    const end = range?.end ?? 0;
    const found = await topics.offsetAt(partition, epochMs);
    if (found < 0 || found >= end) return end;
    // The broker may name a marker that ends a transaction: what counts is the record after it.
    const reader = await this.openReader([{ ...partition, offset: found }]);
    const chunk = await reader.read(ONE_RECORD, 0).finally(() => reader.close());
    return chunk?.offsets[0] ?? end;
  }

  async openWriter(transactionalId: string): Promise<TransactionalWriter> {
    this.#checkOpen();
    return this.#openWriter(transactionalId, 'all');
  }

  async openBulkWriter(transactionalId: string): Promise<BulkWriter> {
    return this.#openWriter(transactionalId, 'failures');
  }

  async #openWriter(transactionalId: string, reports: Reports): Promise<KafkaWriter> {
    const writer = await KafkaWriter.open(this.#parts, transactionalId, reports);
    this.#opened.add(writer);
    return writer;
  }

  async openReader(start: readonly (TopicPartition & { readonly offset: number })[]): Promise<LogReader> {
    this.#checkOpen();
    const reader = await KafkaReader.open(this.#parts, start);
    this.#opened.add(reader);
    return reader;
  }

  async join(group: string, topic: string, owner: PartitionOwner): Promise<Membership> {
    const topics = this.#open;
    checkId('group', group);
    await topics.partitions(topic);
    const member = await KafkaMember.join(this.#parts, group, topic, owner);
    this.#opened.add(member);
    return member;
  }

  async committed(group: string, partitions?: readonly TopicPartition[]): Promise<readonly Position[]> {
    const topics = this.#open;
    checkId('group', group);
    const asked = partitions ?? (await topics.allPartitions());
    const { groups, settings } = this.#parts;
    return groups.committed(`${settings.idPrefix}${group}`, asked, () =>
      topics.checkReachable(settings.recoveryTimeoutMs),
    );
  }

  async deleteRecords(partition: TopicPartition, beforeOffset: number): Promise<void> {
    const topics = this.#open;
    await topics.check(partition);
    const [range] = await topics.ranges([partition]);
    checkOffset(partition, beforeOffset, 0, range?.end ?? 0);
    if (beforeOffset > (range?.begin ?? 0)) await topics.deleteRecords(partition, beforeOffset);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(Array.from(this.#opened, (one) => one.close()));
    await this.#parts.groups.close();
    await this.#parts.topics.close();
  }

  get #open(): BrokerTopics {
    this.#checkOpen();
    return this.#parts.topics;
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new TidemarkError('TM_LOG_CLOSED', 'This log is closed.', { where: this.#parts.settings.urls });
  }
}
