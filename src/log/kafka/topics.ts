import { setTimeout as sleep } from 'node:timers/promises';
import type { IAdminClient, OffsetSpec, RdKafka } from '@confluentinc/kafka-javascript';
import type { Admin } from 'kafkajs';
import { TidemarkError } from '../../errors.ts';
import type { PartitionRange, TopicDescription, TopicPartition, TopicSettings } from '../log.ts';
import { checkNewTopic, checkPartition, checkSameSettings, isTopicName, unknownTopic } from '../topicRules.ts';
import { brokerError, isNative, isUnanswered, TIMED_OUT, TOPIC_EXISTS } from './brokerError.ts';
import { type BrokerSettings, clientConfig, kafkaJsConfig } from './brokerSettings.ts';
import { ask, type BrokerClient, type Done, patiently, requestTimeoutMs } from './client.ts';
import { ConnectionTrouble } from './connectionTrouble.ts';

/** The first try to reach a broker is short, so that a refusal is told soon. */
const FIRST_REACH_MS = 2_000;
const LISTING = 'topics cannot be listed';
/** How long every broker may take to know a new topic, and how often it is looked for. */
const CREATED_TIMEOUT_MS = 10_000;
const CREATED_POLL_MS = 10;
/** What librdkafka says, without an error, of a partition that has just got its leader again. */
const NO_OFFSET = -1001;
const NO_LEADER = { code: 5, message: 'the partition has no leader yet' };
/** The broker's own default. */
const DEFAULT_REPLICATION = -1;
/** Topics of brokers and registries. */
const INTERNAL = /^_/;

/** Topics of a broker, and the offsets of their partitions. */
export class BrokerTopics {
  readonly #client: BrokerClient;
  readonly #settings: BrokerSettings;
  readonly #trouble = new ConnectionTrouble();
  readonly #admin: IAdminClient;
  readonly #timeoutMs: number;
  /** librdkafka's admin client cannot read a topic's settings: KafkaJS does. */
  #configs: Promise<Admin> | null = null;
  /** A partition count is fixed, so one that was read is kept. */
  readonly #partitions = new Map<string, number>();

  /** @throws TM_BROKER_FAILED */
  constructor(client: BrokerClient, settings: BrokerSettings) {
    this.#client = client;
    this.#settings = settings;
    this.#timeoutMs = requestTimeoutMs(settings);
    try {
      this.#admin = client.AdminClient.create(clientConfig(settings), this.#trouble.handlers);
    } catch (error) {
      throw brokerError(error, "the broker's client refuses its settings");
    }
  }

  /** @throws TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS */
  async checkReachable(timeoutMs: number): Promise<void> {
    const firstMs = Math.min(FIRST_REACH_MS, timeoutMs);
    try {
      await this.#names(firstMs).catch((error) => {
        if (firstMs === timeoutMs || this.#trouble.isRefusal || !isUnanswered(error)) throw error;
        return this.#names(timeoutMs - firstMs);
      });
    } catch (error) {
      throw this.#trouble.explain(error, LISTING);
    }
  }

  /** @throws TM_TOPIC_NAME, TM_TOPIC_SETTINGS, TM_TOPIC_DIFFERS */
  async create(topic: string, settings: TopicSettings): Promise<void> {
    checkNewTopic(topic, settings);
    const config = {
      // Append times make history, retention and recovery independent of what producers say.
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete' as const,
      'retention.ms': String(settings.retentionMs),
    };
    const asked = { topic, num_partitions: settings.partitions, replication_factor: DEFAULT_REPLICATION, config };
    try {
      await ask(`topic ${topic} was not made`, (done) =>
        this.#admin.createTopic(asked, this.#timeoutMs, (e) => done(e, null)),
      );
    } catch (error) {
      const exists = error instanceof TidemarkError && isNative(error.cause) && error.cause.code === TOPIC_EXISTS;
      if (!exists) throw error;
      // Another process may have asked for it a moment ago.
      await this.#untilKnown(topic);
      const [existing] = await this.#describe([topic]);
      if (existing !== undefined) checkSameSettings(topic, existing, settings);
      return;
    }
    await this.#untilKnown(topic);
  }

  async list(): Promise<TopicDescription[]> {
    return this.#describe(await this.#ownNames());
  }

  /** How many partitions a topic has. @throws TM_TOPIC_UNKNOWN */
  async partitions(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const count = isTopicName(topic) ? (await this.#counts([topic])).get(topic) : undefined;
    if (count === undefined) throw unknownTopic(topic);
    this.#partitions.set(topic, count);
    return count;
  }

  /** @throws TM_TOPIC_UNKNOWN */
  async check(place: TopicPartition): Promise<void> {
    checkPartition(place, await this.partitions(place.topic));
  }

  /** First offsets and last stable offsets. @throws TM_TOPIC_UNKNOWN */
  async ranges(places: readonly TopicPartition[]): Promise<PartitionRange[]> {
    const { EARLIEST, LATEST } = this.#client.OffsetSpec;
    const [begins, ends] = await Promise.all([this.offsets(places, EARLIEST), this.offsets(places, LATEST)]);
    return places.map(({ topic, partition }, i) => ({
      topic,
      partition,
      begin: begins[i] as number,
      end: ends[i] as number,
    }));
  }

  /** The last stable offset of each place, in order. */
  ends(places: readonly TopicPartition[]): Promise<number[]> {
    return this.offsets(places, this.#client.OffsetSpec.LATEST);
  }

  /** The offset after the last record of each place, in order, those of open transactions included. */
  highWatermarks(places: readonly TopicPartition[]): Promise<number[]> {
    const { IsolationLevel, OffsetSpec } = this.#client;
    return this.offsets(places, OffsetSpec.LATEST, IsolationLevel.READ_UNCOMMITTED);
  }

  /** What the broker's index says to a time; -1 when nothing is as new. */
  async offsetAt(place: TopicPartition, epochMs: number): Promise<number> {
    // Negative times mean something else to the protocol.
    const spec = new this.#client.OffsetSpec(Math.max(0, Math.floor(epochMs)));
    return (await this.offsets([place], spec))[0] as number;
  }

  async offsets(
    places: readonly TopicPartition[],
    offset: OffsetSpec,
    isolationLevel = this.#client.IsolationLevel.READ_COMMITTED,
  ): Promise<number[]> {
    if (places.length === 0) return [];
    const what = 'offsets cannot be read';
    const asked = places.map(({ topic, partition }) => ({ topic, partition, offset }));
    const options = { timeout: this.#timeoutMs, isolationLevel };
    const byPlace = await patiently(this.#settings.recoveryTimeoutMs, async () => {
      let answers: RdKafka.ListOffsetsResult[];
      try {
        answers = await ask(what, (done: Done<RdKafka.ListOffsetsResult[]>) =>
          this.#admin.listOffsets(asked, options, done),
        );
        const refused = answers.find(({ error, offset: found }) => error !== undefined || found === NO_OFFSET);
        if (refused !== undefined) {
          throw brokerError(refused.error ?? NO_LEADER, what, `${refused.topic}/${refused.partition}`);
        }
      } catch (error) {
        // librdkafka asks by the leaders that it remembers: reading all topics makes it learn the new ones.
        if (!isTimeout(error)) await this.#names(this.#timeoutMs);
        throw error;
      }
      return new Map(answers.map(({ topic, partition, offset: found }) => [`${topic}/${partition}`, found]));
    });
    return places.map(({ topic, partition }) => {
      const found = byPlace.get(`${topic}/${partition}`);
      if (found === undefined) throw brokerError(new Error('no answer'), what, `${topic}/${partition}`);
      return found;
    });
  }

  async deleteRecords(place: TopicPartition, beforeOffset: number): Promise<void> {
    const what = 'records cannot be deleted';
    const asked = [{ topic: place.topic, partition: place.partition, offset: beforeOffset }];
    const options = { timeout: this.#timeoutMs, operationTimeout: this.#timeoutMs };
    const results = await ask(what, (done: Done<RdKafka.DeleteRecordsResult[]>) =>
      this.#admin.deleteRecords(asked, options, done),
    );
    for (const { error } of results) {
      if (error !== undefined) throw brokerError(error, what, `${place.topic}/${place.partition}`);
    }
  }

  /** Every partition of every topic. */
  async allPartitions(): Promise<TopicPartition[]> {
    const topics = await this.#ownNames();
    const counts = topics.length === 0 ? new Map<string, number>() : await this.#counts(topics);
    return Array.from(counts, ([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    ).flat();
  }

  async close(): Promise<void> {
    this.#admin.disconnect();
    const configs = this.#configs;
    this.#configs = null;
    if (configs !== null) await configs.then((admin) => admin.disconnect());
  }

  async #ownNames(): Promise<string[]> {
    const names = await patiently(this.#settings.recoveryTimeoutMs, () => this.#names(this.#timeoutMs));
    return names.filter((name) => !INTERNAL.test(name)).sort();
  }

  #names(timeout: number): Promise<string[]> {
    return ask(LISTING, (done) => this.#admin.listTopics({ timeout }, done));
  }

  async #untilKnown(topic: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < CREATED_TIMEOUT_MS; waitedMs += CREATED_POLL_MS) {
      if ((await this.#counts([topic])).has(topic)) return;
      await sleep(CREATED_POLL_MS);
    }
    throw brokerError(new Error('its partitions have no leaders'), `topic ${topic} was made, but is not ready`);
  }

  /** Partition counts of those of the topics that there are and whose partitions have leaders. */
  async #counts(topics: string[]): Promise<Map<string, number>> {
    const what = 'topics cannot be described';
    const options = { timeout: this.#timeoutMs, includeAuthorizedOperations: false };
    const found = await patiently(this.#settings.recoveryTimeoutMs, () =>
      ask(what, (done: Done<RdKafka.TopicDescription[]>) => this.#admin.describeTopics(topics, options, done)),
    );
    const ready = found.filter(
      ({ error, partitions }) => error === undefined && partitions.every(({ leader }) => leader !== null),
    );
    return new Map(ready.map(({ name, partitions }) => [name, partitions.length]));
  }

  async #describe(topics: string[]): Promise<TopicDescription[]> {
    if (topics.length === 0) return [];
    const [counts, retentions] = await Promise.all([this.#counts(topics), this.#retentions(topics)]);
    return topics.flatMap((topic) => {
      const partitions = counts.get(topic);
      const retentionMs = retentions.get(topic);
      return partitions === undefined || retentionMs === undefined ? [] : [{ topic, partitions, retentionMs }];
    });
  }

  async #retentions(topics: readonly string[]): Promise<Map<string, number>> {
    try {
      this.#configs ??= openConfigs(this.#settings);
      const { ConfigResourceTypes } = (await import('kafkajs')).default;
      const { resources } = await (await this.#configs).describeConfigs({
        includeSynonyms: false,
        resources: topics.map((name) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configNames: ['retention.ms'],
        })),
      });
      return new Map(
        resources.map(({ resourceName, configEntries }) => [resourceName, Number(configEntries[0]?.configValue)]),
      );
    } catch (error) {
      this.#configs = null;
      throw brokerError(error, "topics' settings cannot be read");
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof TidemarkError && isNative(error.cause) && error.cause.code === TIMED_OUT;
}

async function openConfigs(settings: BrokerSettings): Promise<Admin> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({ ...kafkaJsConfig(settings), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return admin;
}
