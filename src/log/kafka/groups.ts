import type { KafkaConsumer, RdKafka } from '@confluentinc/kafka-javascript';
import type { Position, TopicPartition } from '../log.ts';
import { isUnanswered } from './brokerError.ts';
import { type BrokerSettings, clientConfig } from './brokerSettings.ts';
import { ask, type BrokerClient, connect, type Done, disconnect, requestTimeoutMs } from './client.ts';

/** Producers of many files have a group for each: the one that was used longest ago goes first. */
const MAX_OPEN_GROUPS = 64;
/** A broker keeps positions back until it has ended the transaction that a killed process left open (30 s, looked at every 10). */
const PENDING_TIMEOUT_MS = 45_000;

/** Consumers that read nothing: librdkafka takes from one the group whose positions a transaction stores. */
export class GroupHandles {
  readonly #client: BrokerClient;
  readonly #settings: BrokerSettings;
  /** By group, the one used longest ago first. */
  readonly #handles = new Map<string, Promise<KafkaConsumer>>();

  constructor(client: BrokerClient, settings: BrokerSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  /** Uses a group's consumer. @throws TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS */
  async get(groupId: string): Promise<KafkaConsumer> {
    const handle = this.#handles.get(groupId) ?? this.#open(groupId);
    this.#handles.delete(groupId);
    this.#handles.set(groupId, handle);
    const [oldest] = this.#handles.keys();
    if (this.#handles.size > MAX_OPEN_GROUPS && oldest !== undefined) await this.#close(oldest);
    try {
      return await handle;
    } catch (error) {
      this.#handles.delete(groupId);
      throw error;
    }
  }

  /**
   * What a group has committed for those of the partitions that it has a position in; waits for pending transactions.
   * `checkReachable` tells a broker that is away, by throwing, from one that keeps the positions back.
   */
  async committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    checkReachable: () => Promise<void>,
  ): Promise<Position[]> {
    if (partitions.length === 0) return [];
    const startedMs = performance.now();
    for (;;) {
      try {
        return await this.#committed(groupId, partitions);
      } catch (error) {
        if (!isUnanswered(error) || performance.now() - startedMs >= PENDING_TIMEOUT_MS) throw error;
        await checkReachable();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#handles.keys(), (groupId) => this.#close(groupId)));
  }

  async #committed(groupId: string, partitions: readonly TopicPartition[]): Promise<Position[]> {
    // An admin client could list them, but librdkafka 2.15.1 crashes there when the coordinator has moved.
    const consumer = await this.get(groupId);
    const timeoutMs = requestTimeoutMs(this.#settings);
    const found = await ask(
      `positions of group ${groupId} cannot be read`,
      (done: Done<RdKafka.TopicPartitionOffsetAndMetadata[]>) => consumer.committed([...partitions], timeoutMs, done),
    );
    return found.flatMap(({ topic, partition, offset, metadata }) =>
      typeof offset === 'number' && offset >= 0 ? [{ topic, partition, offset, metadata: metadata ?? '' }] : [],
    );
  }

  async #open(groupId: string): Promise<KafkaConsumer> {
    const consumer = new this.#client.KafkaConsumer({
      ...clientConfig(this.#settings),
      'group.id': groupId,
      'enable.auto.commit': false,
      'isolation.level': 'read_committed',
    });
    await connect(consumer, `group ${groupId} cannot be used`);
    return consumer;
  }

  async #close(groupId: string): Promise<void> {
    const handle = this.#handles.get(groupId);
    this.#handles.delete(groupId);
    if (handle !== undefined) await disconnect(await handle);
  }
}
