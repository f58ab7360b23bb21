import type { KafkaConsumer } from '@confluentinc/kafka-javascript';
import { type BrokerSettings, clientConfig } from './brokerSettings.ts';
import { type BrokerClient, connect, disconnect } from './client.ts';

/** Producers of many files have a group for each: the one that was used longest ago goes first. */
const MAX_OPEN_GROUPS = 64;

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

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#handles.keys(), (groupId) => this.#close(groupId)));
  }

  async #open(groupId: string): Promise<KafkaConsumer> {
    const consumer = new this.#client.KafkaConsumer({
      ...clientConfig(this.#settings),
      'group.id': groupId,
      'enable.auto.commit': false,
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
