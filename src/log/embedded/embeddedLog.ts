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
import { EmbeddedMember } from './member.ts';
import { deleteBelow, offsetAtTime, partitionRow } from './partitionStore.ts';
import { EmbeddedReader } from './reader.ts';
import { closeStore, type Lifetime, openStore, type Store, transact } from './store.ts';
import { Topics } from './topics.ts';
import { EmbeddedWriter } from './writer.ts';

export interface EmbeddedLogOptions {
  /** Where the LMDB files lie; made if missing. */
  readonly directory: string;
  /** The clock of append times, epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Opens the log without a server: Kafka record batches in LMDB, for one machine. Several processes may hold it open, read
 * and write at once; a commit is on disk when it resolves.
 * @throws TM_LOG_DIRECTORY, TM_LOG_FORMAT, TM_LOG_FULL
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  return new EmbeddedLog(openStore(options.directory), options.now);
}

class EmbeddedLog implements Log {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #now: () => number;
  readonly #lifetime: Lifetime = { closed: false };
  readonly #members = new Set<Membership>();

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#now = now;
  }

  async createTopic(topic: string, settings: TopicSettings): Promise<void> {
    this.#checkOpen();
    this.#topics.create(topic, settings);
  }

  async listTopics(): Promise<readonly TopicDescription[]> {
    this.#refresh();
    return this.#topics.list();
  }

  async ranges(topic: string): Promise<readonly PartitionRange[]> {
    this.#refresh();
    const { id: topicId, partitions } = this.#topics.get(topic);
    return Array.from({ length: partitions }, (_, partition) => {
      const { begin, end } = partitionRow(this.#store, { topicId, partition });
      return { topic, partition, begin, end };
    });
  }

  async offsetAtTime(partition: TopicPartition, epochMs: number): Promise<number> {
    this.#refresh();
    return offsetAtTime(this.#store, this.#topics.partition(partition), epochMs);
  }

  async openWriter(transactionalId: string): Promise<TransactionalWriter> {
    this.#checkOpen();
    return new EmbeddedWriter(this.#store, this.#topics, this.#lifetime, this.#now, transactionalId);
  }

  openBulkWriter(transactionalId: string): Promise<BulkWriter> {
    return this.openWriter(transactionalId);
  }

  async openReader(start: readonly (TopicPartition & { readonly offset: number })[]): Promise<LogReader> {
    this.#refresh();
    const placed = start.map((assigned) => ({ ...assigned, key: this.#topics.partition(assigned) }));
    return new EmbeddedReader(this.#store, this.#lifetime, placed);
  }

  async committed(group: string, partitions?: readonly TopicPartition[]): Promise<readonly Position[]> {
    this.#refresh();
    checkId('group', group);
    const rows = this.#store.positions.getRange({ start: [group, 0, 0], end: [group, Number.POSITIVE_INFINITY, 0] });
    const names = new Map(Array.from(this.#store.topics.getRange(), ({ key, value }) => [value.id, key]));
    const positions = Array.from(rows, ({ key: [, topicId, partition], value }) => ({
      topic: names.get(topicId) ?? '',
      partition,
      offset: value.offset,
      metadata: value.metadata,
    }));
    if (partitions === undefined) return positions;
    return positions.filter((own) =>
      partitions.some(({ topic, partition }) => topic === own.topic && partition === own.partition),
    );
  }

  async join(group: string, topic: string, owner: PartitionOwner): Promise<Membership> {
    this.#refresh();
    const { id: topicId, partitions } = this.#topics.get(topic);
    const place = { group, topicId, partitions };
    const onClosed = (one: Membership) => this.#members.delete(one);
    const member = new EmbeddedMember(this.#store, this.#lifetime, place, owner, onClosed);
    this.#members.add(member);
    return member;
  }

  async deleteRecords(partition: TopicPartition, beforeOffset: number): Promise<void> {
    this.#checkOpen();
    const store = this.#store;
    const key = this.#topics.partition(partition);
    for (let done = false; !done; ) {
      done = transact(store, () => {
        const { end } = partitionRow(store, key);
        checkOffset(partition, beforeOffset, 0, end);
        return deleteBelow(store, key, beforeOffset);
      });
    }
  }

  async close(): Promise<void> {
    if (this.#lifetime.closed) return;
    for (const member of this.#members) await member.close();
    this.#lifetime.closed = true;
    for (const wake of this.#store.committed) wake();
    await closeStore(this.#store);
  }

  #checkOpen(): void {
    if (this.#lifetime.closed)
      throw new TidemarkError('TM_LOG_CLOSED', 'This log is closed.', { where: this.#store.directory });
  }

  /** Makes the next lookups see what was committed up to now, by any process. */
  #refresh(): void {
    this.#checkOpen();
    this.#store.root.resetReadTxn();
  }
}
