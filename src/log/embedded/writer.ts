import { TidemarkError } from '../../errors.ts';
import type { Appended, Position, Transaction, TransactionalWriter } from '../log.ts';
import { checkId, checkPosition } from '../positionRules.ts';
import { RecordBatchEncoder } from '../recordBatch/encoder.ts';
import { appendBatches, deleteBelow, offsetAtTime, partitionRow } from './partitionStore.ts';
import { type Lifetime, type Store, transact } from './store.ts';
import type { PartitionKey, Topics } from './topics.ts';

interface PreparedAppend extends PartitionKey {
  readonly topic: string;
  readonly retentionMs: number;
  readonly batches: readonly Uint8Array[];
}

interface PreparedPosition {
  readonly key: [string, number, number];
  readonly position: Position;
}

/** One epoch of a transactional id. */
export class EmbeddedWriter implements TransactionalWriter {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #lifetime: Lifetime;
  readonly #now: () => number;
  readonly #transactionalId: string;
  readonly #epoch: number;
  readonly #encoder = new RecordBatchEncoder();
  #closed = false;

  /** Takes over from every earlier writer of the id. */
  constructor(store: Store, topics: Topics, lifetime: Lifetime, now: () => number, transactionalId: string) {
    checkId('transactional id', transactionalId);
    this.#store = store;
    this.#topics = topics;
    this.#lifetime = lifetime;
    this.#now = now;
    this.#transactionalId = transactionalId;
    this.#epoch = transact(store, () => {
      const epoch = (store.writers.get(transactionalId) ?? 0) + 1;
      store.writers.putSync(transactionalId, epoch);
      return epoch;
    });
  }

  async commit(transaction: Transaction): Promise<readonly Appended[]> {
    if (this.#closed || this.#lifetime.closed) {
      throw new TidemarkError('TM_LOG_CLOSED', 'This writer is closed.', { where: this.#transactionalId });
    }
    // Encoding and compressing come first: the callback holds the write lock of all processes.
    const appends = transaction.appends.map(({ topic, partition, records }): PreparedAppend => {
      const key = this.#topics.partition({ topic, partition });
      const { retentionMs } = this.#topics.get(topic);
      return { ...key, topic, retentionMs, batches: this.#encoder.encode(records) };
    });
    const positions = transaction.positions.flatMap(({ group, positions: ofGroup }) => {
      checkId('group', group);
      return ofGroup.map((position) => this.#preparePosition(group, position));
    });
    return transact(this.#store, () => this.#write(appends, positions));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #write(appends: readonly PreparedAppend[], positions: readonly PreparedPosition[]): Appended[] {
    const store = this.#store;
    const newest = store.writers.get(this.#transactionalId);
    if (newest !== this.#epoch) {
      throw new TidemarkError(
        'TM_LOG_FENCED',
        `Epoch ${this.#epoch} of this writer was taken over by epoch ${newest}.`,
        {
          where: this.#transactionalId,
          hint: 'Another process does the same work now; stop this one.',
        },
      );
    }
    const nowMs = Math.floor(this.#now());
    const appended = appends.map((append): Appended => {
      const firstOffset = partitionRow(store, append).end;
      const { end } = appendBatches(store, append, append.batches, nowMs);
      if (append.retentionMs >= 0) {
        deleteBelow(store, append, offsetAtTime(store, append, nowMs - append.retentionMs));
      }
      return { topic: append.topic, partition: append.partition, firstOffset, nextOffset: end };
    });
    for (const { key, position } of positions) {
      store.positions.putSync(key, { offset: position.offset, metadata: position.metadata });
    }
    return appended;
  }

  #preparePosition(group: string, position: Position): PreparedPosition {
    const { topicId, partition } = this.#topics.partition(position);
    checkPosition(group, position);
    return { key: [group, topicId, partition], position };
  }
}
