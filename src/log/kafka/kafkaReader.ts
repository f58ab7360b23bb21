import type { KafkaConsumer, Message } from '@confluentinc/kafka-javascript';
import { TidemarkError } from '../../errors.ts';
import type { LogReader, ReadBounds, RecordChunk, TopicPartition } from '../log.ts';
import { checkOffset } from '../positionRules.ts';
import { type HeldRecords, takeChunk } from '../recordBatch/heldRecords.ts';
import { RecordColumns } from '../recordBatch/recordColumns.ts';
import { brokerError } from './brokerError.ts';
import { type BrokerSettings, clientConfig } from './brokerSettings.ts';
import { ask, type BrokerClient, connect, disconnect } from './client.ts';
import type { BrokerTopics } from './topics.ts';

/** Most records of one call into librdkafka: the event loop stands still while they are made into objects. */
const CONSUME_RECORDS = 1_000;
/** Each waiting call holds a thread of libuv's. */
const CONSUME_WAIT_MS = 20;
const QUEUED_KB = 16 * 1024;
const FETCH_WAIT_MS = 100;
const SEEK_TIMEOUT_MS = 10_000;
/** How long records that the broker says are there may take to come. */
const STALLED_MS = 30_000;

export interface ReaderParts {
  readonly client: BrokerClient;
  readonly settings: BrokerSettings;
  readonly topics: BrokerTopics;
  readonly isLogClosed: () => boolean;
  readonly onClosed: (reader: LogReader) => void;
}

interface FirstMessageTimeout {
  setDefaultIsTimeoutOnlyForFirstMessage(on: boolean): void;
}

interface AssignedPartition extends HeldRecords {
  paused: boolean;
  /** `position` was set by a seek that librdkafka has not been told. */
  sought: boolean;
}

/** Reads assigned partitions without being a member of a group. */
export class KafkaReader implements LogReader {
  readonly #parts: ReaderParts;
  readonly #consumer: KafkaConsumer;
  readonly #assigned: AssignedPartition[];
  readonly #byTopic = new Map<string, Map<number, AssignedPartition>>();
  #turn = 0;
  #closed = false;
  /** The call into librdkafka that goes on now. */
  #consuming: Promise<unknown> = Promise.resolve();

  private constructor(parts: ReaderParts, start: readonly (TopicPartition & { readonly offset: number })[]) {
    const { client, settings } = parts;
    this.#parts = parts;
    this.#consumer = new client.KafkaConsumer({
      ...clientConfig(settings),
      // The client asks for one; nothing is stored under it.
      'group.id': `${settings.idPrefix}reader`,
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      'enable.partition.eof': true,
      'isolation.level': 'read_committed',
      'auto.offset.reset': 'error',
      'queued.max.messages.kbytes': QUEUED_KB,
      'fetch.wait.max.ms': FETCH_WAIT_MS,
    });
    this.#assigned = start.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      columns: new RecordColumns(),
      next: 0,
      decodedTo: offset,
      position: offset,
      paused: false,
      sought: false,
    }));
    for (const assigned of this.#assigned) {
      const ofTopic = this.#byTopic.get(assigned.topic) ?? new Map<number, AssignedPartition>();
      this.#byTopic.set(assigned.topic, ofTopic.set(assigned.partition, assigned));
    }
  }

  /** @throws TM_TOPIC_UNKNOWN, TM_OFFSET_OUT_OF_RANGE, TM_BROKER_UNREACHABLE */
  static async open(
    parts: ReaderParts,
    start: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<KafkaReader> {
    for (const place of start) await parts.topics.check(place);
    const reader = new KafkaReader(parts, start);
    await reader.#checkRanges(reader.#assigned);
    const consumer = reader.#consumer;
    await connect(consumer, 'a reader cannot be opened');
    consumer.setDefaultConsumeTimeout(CONSUME_WAIT_MS);
    // There, but not in the package's types.
    (consumer as KafkaConsumer & FirstMessageTimeout).setDefaultIsTimeoutOnlyForFirstMessage(true);
    consumer.on('partition.eof', ({ topic, partition, offset }) => {
      const assigned = reader.#byTopic.get(topic)?.get(partition);
      if (assigned !== undefined) moveTo(assigned, offset);
    });
    consumer.assign(start.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
    return reader;
  }

  async read(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null> {
    if (this.#isClosed) throw new TidemarkError('TM_LOG_CLOSED', 'This reader is closed.');
    await this.#applySeeks();
    const startedMs = performance.now();
    let ends: readonly number[] | null = null;
    let read: readonly AssignedPartition[] = [];
    for (;;) {
      const chunk = this.#take(bounds);
      if (chunk !== null || this.#isClosed) return chunk;
      const waitedMs = performance.now() - startedMs;
      if (waitedMs >= waitMs) {
        if (ends === null) {
          read = this.#assigned.filter(({ paused }) => !paused);
          ends = await this.#checkRanges(read);
        }
        if (read.every(({ position }, i) => position >= ((ends as readonly number[])[i] as number))) return null;
        if (waitedMs >= waitMs + STALLED_MS) throw stalled(read);
      }
      this.#consuming = this.#consume();
      await this.#consuming;
    }
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
    assigned.sought = true;
  }

  pause(partition: TopicPartition): void {
    const assigned = this.#find(partition);
    if (!assigned.paused) this.#consumer.pause([partition]);
    assigned.paused = true;
  }

  resume(partition: TopicPartition): void {
    const assigned = this.#find(partition);
    if (assigned.paused) this.#consumer.resume([partition]);
    assigned.paused = false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#consuming.catch(() => {});
    await disconnect(this.#consumer);
    this.#parts.onClosed(this);
  }

  get #isClosed(): boolean {
    return this.#closed || this.#parts.isLogClosed();
  }

  #find({ topic, partition }: TopicPartition): AssignedPartition {
    const found = this.#byTopic.get(topic)?.get(partition);
    if (found !== undefined) return found;
    throw new TidemarkError('TM_TOPIC_UNKNOWN', `This reader was not opened on ${topic}/${partition}.`, {
      where: `${topic}/${partition}`,
    });
  }

  async #applySeeks(): Promise<void> {
    const sought = this.#assigned.filter((assigned) => assigned.sought);
    if (sought.length === 0) return;
    await this.#checkRanges(sought);
    for (const assigned of sought) {
      const { topic, partition, position: offset } = assigned;
      await ask<void>(`${topic}/${partition} cannot be read from ${offset}`, (done) =>
        this.#consumer.seek({ topic, partition, offset }, SEEK_TIMEOUT_MS, (error) => done(error)),
      );
      assigned.sought = false;
    }
  }

  #take(bounds: ReadBounds): RecordChunk | null {
    for (let tried = 0; tried < this.#assigned.length; tried++) {
      const assigned = this.#assigned[this.#turn] as AssignedPartition;
      this.#turn = (this.#turn + 1) % this.#assigned.length;
      if (!assigned.paused && assigned.next < assigned.columns.count) return takeChunk(assigned, bounds);
    }
    return null;
  }

  /** Takes what has come, or waits a little. */
  async #consume(): Promise<void> {
    for (const assigned of this.#assigned) {
      if (assigned.next < assigned.columns.count) continue;
      assigned.columns.clear();
      assigned.next = 0;
    }
    const messages = await new Promise<Message[]>((resolve, reject) => {
      this.#consumer.consume(CONSUME_RECORDS, (error, taken) => {
        const failure = error ? brokerError(error, 'records cannot be read') : null;
        if (failure === null) resolve(taken);
        // librdkafka connects again by itself; for how long, the look at the ends decides.
        else if (failure.code === 'TM_BROKER_UNREACHABLE') resolve([]);
        else reject(failure);
      });
    });
    for (const message of messages) {
      const assigned = this.#byTopic.get(message.topic)?.get(message.partition);
      if (assigned !== undefined && !assigned.sought) hold(assigned, message);
    }
  }

  /** The ends of partitions. @throws TM_OFFSET_OUT_OF_RANGE when one is read outside of its range */
  async #checkRanges(partitions: readonly AssignedPartition[]): Promise<number[]> {
    const ranges = await this.#parts.topics.ranges(partitions);
    return ranges.map(({ begin, end }, i) => {
      const assigned = partitions[i] as AssignedPartition;
      checkOffset(assigned, assigned.position, begin, end);
      return end;
    });
  }
}

/** Copies a record behind those that wait to be handed out. */
function hold(assigned: AssignedPartition, { key, value, offset, timestamp }: Message): void {
  const { columns } = assigned;
  if (assigned.next === columns.count) assigned.position = offset;
  columns.reserve(1);
  const at = columns.count;
  const keyBytes = asBytes(key);
  columns.keyStarts[at] = keyBytes === null ? -1 : columns.addData(keyBytes);
  columns.keyEnds[at] = keyBytes === null ? -1 : columns.dataLength;
  columns.valueStarts[at] = value === null ? -1 : columns.addData(value);
  columns.valueEnds[at] = value === null ? -1 : columns.dataLength;
  columns.offsets[at] = offset;
  columns.appendMs[at] = timestamp ?? -1;
  columns.count++;
  assigned.decodedTo = Math.max(assigned.decodedTo, offset + 1);
}

/** Moves over markers and holes, which hold no record. */
function moveTo(assigned: AssignedPartition, offset: number): void {
  assigned.decodedTo = Math.max(assigned.decodedTo, offset);
  if (assigned.next === assigned.columns.count) assigned.position = assigned.decodedTo;
}

function asBytes(key: Message['key']): Uint8Array | null {
  if (key === null || key === undefined) return null;
  return typeof key === 'string' ? Buffer.from(key) : key;
}

function stalled(partitions: readonly AssignedPartition[]): TidemarkError {
  const where = partitions.map(({ topic, partition, position }) => `${topic}/${partition} at ${position}`).join(', ');
  return new TidemarkError('TM_BROKER_UNREACHABLE', 'the broker has records, but they do not come', {
    where,
    hint: 'Nothing is lost: start again. If it stays so, look at the log of the broker that leads the partition.',
  });
}
