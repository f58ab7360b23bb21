import type { KafkaConsumer, TopicPartition as NativePartition } from '@confluentinc/kafka-javascript';
import { TidemarkError } from '../../errors.ts';
import type { Membership, PartitionOwner } from '../log.ts';
import { brokerError, isNative } from './brokerError.ts';
import { type BrokerSettings, clientConfig } from './brokerSettings.ts';
import { type BrokerClient, connect, disconnect } from './client.ts';

/** A member that a broker has not heard of for so long is dead: the least that brokers allow by default. */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_MS = 500;
/** A member that was not polled for so long hangs, and so does one that is asked for partitions and does not give them. */
const MOST_POLL_GAP_MS = 120_000;
/** How often librdkafka is asked for news, at most: each time takes a thread of libuv's for a moment. */
const LOOK_MS = 50;

/** What librdkafka's rebalance callback is called with. */
const ASSIGN_PARTITIONS = -175;
const REVOKE_PARTITIONS = -174;
/** The member was not polled in time; the callback tells of what it lost, and it joins again by itself. */
const POLL_GAP_EXCEEDED = -147;

export interface MemberParts {
  readonly client: BrokerClient;
  readonly settings: BrokerSettings;
  readonly isLogClosed: () => boolean;
  readonly onClosed: (member: Membership) => void;
}

/** There, but not in the package's types. */
interface Incremental {
  incrementalAssign(partitions: readonly (NativePartition & { offset: number })[]): void;
  incrementalUnassign(partitions: readonly NativePartition[]): void;
  assignmentLost(): boolean;
}

interface Change {
  readonly kind: keyof PartitionOwner;
  readonly partitions: readonly NativePartition[];
}

/**
 * A member of a broker's consumer group (the classic protocol with cooperative, incremental rebalances: KIP-429). It holds
 * membership only and fetches nothing: readers and writers are opened by those who own the partitions, so that a record of a
 * partition that has gone to another member cannot come in by this way.
 */
export class KafkaMember implements Membership {
  readonly #parts: MemberParts;
  readonly #group: string;
  readonly #owner: PartitionOwner;
  readonly #consumer: KafkaConsumer & Incremental;
  /** What the owner is to be told. */
  readonly #changes: Change[] = [];
  /** Why a change could not be taken in. */
  #failure: TidemarkError | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(parts: MemberParts, group: string, owner: PartitionOwner) {
    const { client, settings } = parts;
    this.#parts = parts;
    this.#group = group;
    this.#owner = owner;
    const consumer = new client.KafkaConsumer({
      ...clientConfig(settings),
      'group.id': `${settings.idPrefix}${group}`,
      'group.protocol': 'classic',
      'partition.assignment.strategy': 'cooperative-sticky',
      'session.timeout.ms': SESSION_TIMEOUT_MS,
      'heartbeat.interval.ms': HEARTBEAT_MS,
      'max.poll.interval.ms': MOST_POLL_GAP_MS,
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      rebalance_cb: (error: unknown, partitions: readonly NativePartition[]) => this.#rebalance(error, partitions),
    });
    this.#consumer = consumer as KafkaConsumer & Incremental;
  }

  /** @throws TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS */
  static async join(parts: MemberParts, group: string, topic: string, owner: PartitionOwner): Promise<KafkaMember> {
    const member = new KafkaMember(parts, group, owner);
    const consumer = member.#consumer;
    await connect(consumer, `group ${group} cannot be joined`);
    consumer.setDefaultConsumeTimeout(0);
    consumer.subscribe([topic]);
    return member;
  }

  async poll(): Promise<void> {
    if (this.#closed || this.#parts.isLogClosed()) {
      throw new TidemarkError('TM_LOG_CLOSED', 'This member has left its group.', { where: this.#group });
    }
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = nowMs;
      await this.#look();
    }
    if (this.#failure !== null) throw this.#failure;
    for (let change = this.#changes[0]; change !== undefined; change = this.#changes[0]) {
      await this.#owner[change.kind](change.partitions.map(({ partition }) => partition));
      this.#changes.shift();
      // Only now may librdkafka tell the group that they are free.
      if (change.kind === 'revoked') this.#unassign(change.partitions);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // librdkafka waits for the answer to what it has asked.
    for (const { kind, partitions } of this.#changes.splice(0)) if (kind === 'revoked') this.#unassign(partitions);
    await disconnect(this.#consumer);
    this.#parts.onClosed(this);
  }

  /** Lets librdkafka call back with what has changed. */
  #look(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#consumer.consume(1, (error) => {
        const failure = error ? brokerError(error, `the membership of group ${this.#group} failed`) : null;
        const passes =
          failure === null ||
          failure.code === 'TM_BROKER_UNREACHABLE' ||
          (isNative(error) && error.code === POLL_GAP_EXCEEDED);
        if (passes) resolve();
        else reject(failure);
      });
    });
  }

  /** Called by librdkafka, which goes on once `incrementalAssign` or `incrementalUnassign` was called. */
  #rebalance(error: unknown, partitions: readonly NativePartition[]): void {
    const code = isNative(error) ? error.code : 0;
    if (code === ASSIGN_PARTITIONS) {
      this.#assign(partitions);
      this.#add('assigned', partitions);
    } else if (code === REVOKE_PARTITIONS) {
      const isLost = this.#consumer.assignmentLost();
      if (this.#closed || isLost || partitions.length === 0) this.#unassign(partitions);
      this.#add(isLost ? 'lost' : 'revoked', partitions);
    }
  }

  #add(kind: Change['kind'], partitions: readonly NativePartition[]): void {
    if (!this.#closed && (kind === 'assigned' || partitions.length > 0)) this.#changes.push({ kind, partitions });
  }

  #assign(partitions: readonly NativePartition[]): void {
    this.#tell(() => {
      // An offset is given lest it asks for the committed one; nothing is fetched from it, since all are paused.
      this.#consumer.incrementalAssign(partitions.map(({ topic, partition }) => ({ topic, partition, offset: 0 })));
      this.#consumer.pause([...partitions]);
    });
  }

  #unassign(partitions: readonly NativePartition[]): void {
    this.#tell(() => this.#consumer.incrementalUnassign(partitions));
  }

  /** What is thrown in a callback of librdkafka's would end the process. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failure = brokerError(error, `the membership of group ${this.#group} failed`);
    }
  }
}
