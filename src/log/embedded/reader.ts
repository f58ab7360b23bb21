import { TidemarkError } from '../../errors.ts';
import type { LogReader, ReadBounds, RecordChunk, TopicPartition } from '../log.ts';
import { checkOffset } from '../positionRules.ts';
import { decodeRecordBatch } from '../recordBatch/decoder.ts';
import { type HeldRecords, takeChunk } from '../recordBatch/heldRecords.ts';
import { RecordColumns } from '../recordBatch/recordColumns.ts';
import { partitionRow } from './partitionStore.ts';
import type { Lifetime, Store } from './store.ts';
import type { PartitionKey } from './topics.ts';

/** How often a waiting reader looks for what other processes appended; appends of its own process wake it. */
const POLL_MS = 20;

interface AssignedPartition extends HeldRecords {
  readonly key: PartitionKey;
  paused: boolean;
}

export class EmbeddedReader implements LogReader {
  readonly #store: Store;
  readonly #lifetime: Lifetime;
  readonly #assigned: AssignedPartition[];
  /** Whose turn it is. */
  #turn = 0;
  #ownClosed = false;
  #wake: () => void = () => {};

  constructor(
    store: Store,
    lifetime: Lifetime,
    start: readonly (TopicPartition & { readonly offset: number; readonly key: PartitionKey })[],
  ) {
    this.#store = store;
    this.#lifetime = lifetime;
    this.#assigned = start.map(({ topic, partition, offset, key }) => ({
      topic,
      partition,
      key,
      columns: new RecordColumns(),
      next: 0,
      decodedTo: offset,
      position: offset,
      paused: false,
    }));
    store.root.resetReadTxn();
    for (const assigned of this.#assigned) this.#checkRange(assigned);
  }

  async read(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null> {
    if (this.#closed) throw new TidemarkError('TM_LOG_CLOSED', 'This reader is closed.');
    const ready = this.#readNow(bounds);
    return ready !== null || waitMs <= 0 ? ready : this.#waitAndRead(bounds, waitMs);
  }

  position(partition: TopicPartition): number {
    return this.#find(partition).position;
  }

  seek(partition: TopicPartition, offset: number): void {
    const assigned = this.#find(partition);
    assigned.columns.clear();
    assigned.next = 0;
    assigned.decodedTo = offset;
    assigned.position = offset;
  }

  pause(partition: TopicPartition): void {
    this.#find(partition).paused = true;
  }

  resume(partition: TopicPartition): void {
    this.#find(partition).paused = false;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#ownClosed = true;
    this.#wake();
  }

  get #closed(): boolean {
    return this.#ownClosed || this.#lifetime.closed;
  }

  #find({ topic, partition }: TopicPartition): AssignedPartition {
    const found = this.#assigned.find((assigned) => assigned.topic === topic && assigned.partition === partition);
    if (found !== undefined) return found;
    throw new TidemarkError('TM_TOPIC_UNKNOWN', `This reader was not opened on ${topic}/${partition}.`, {
      where: `${topic}/${partition}`,
    });
  }

  async #waitAndRead(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null> {
    let expired = false;
    const wake = () => this.#wake();
    const deadline = setTimeout(() => {
      expired = true;
      wake();
    }, waitMs);
    const poll = setInterval(wake, POLL_MS);
    this.#store.committed.add(wake);
    try {
      for (;;) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        if (this.#closed) return null;
        const chunk = this.#readNow(bounds);
        if (chunk !== null || expired) return chunk;
      }
    } finally {
      clearTimeout(deadline);
      clearInterval(poll);
      this.#store.committed.delete(wake);
      this.#wake = () => {};
    }
  }

  #readNow(bounds: ReadBounds): RecordChunk | null {
    this.#store.root.resetReadTxn();
    for (let tried = 0; tried < this.#assigned.length; tried++) {
      const assigned = this.#assigned[this.#turn] as AssignedPartition;
      this.#turn = (this.#turn + 1) % this.#assigned.length;
      if (assigned.paused) continue;
      if (assigned.next === assigned.columns.count) this.#decodeMore(assigned, bounds);
      if (assigned.next < assigned.columns.count) return takeChunk(assigned, bounds);
    }
    return null;
  }

  /** Refills the partition's columns, batch by batch, until they hold a chunk or the partition ends. */
  #decodeMore(assigned: AssignedPartition, bounds: ReadBounds): void {
    const { columns, key } = assigned;
    const end = this.#checkRange(assigned);
    columns.clear();
    assigned.next = 0;
    while (assigned.decodedTo < end && columns.count < bounds.maxRecords && columns.dataLength < bounds.maxBytes) {
      const base = this.#batchAt(key, assigned.decodedTo);
      const batch = base === null ? undefined : this.#store.batches.getBinaryFast([key.topicId, key.partition, base]);
      const where = `topic ${assigned.topic} partition ${assigned.partition} offset ${assigned.decodedTo}`;
      if (batch === undefined) {
        throw new TidemarkError('TM_LOG_CORRUPT', 'A record batch is missing.', { where });
      }
      assigned.decodedTo = decodeRecordBatch(batch, assigned.position, columns, where);
    }
    if (columns.count === 0) assigned.position = assigned.decodedTo;
  }

  /** Base offset of the batch that holds `offset`. */
  #batchAt({ topicId, partition }: PartitionKey, offset: number): number | null {
    const { batches } = this.#store;
    if (batches.doesExist([topicId, partition, offset])) return offset;
    const start = [topicId, partition, offset];
    for (const key of batches.getKeys({ start, end: [topicId, partition, -1], reverse: true, limit: 1 })) return key[2];
    return null;
  }

  /** The partition's end. @throws TM_OFFSET_OUT_OF_RANGE */
  #checkRange({ topic, partition, key, position }: AssignedPartition): number {
    const { begin, end } = partitionRow(this.#store, key);
    checkOffset({ topic, partition }, position, begin, end);
    return end;
  }
}
