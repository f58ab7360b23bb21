import { setTimeout as sleep } from 'node:timers/promises';
import type { LibrdKafkaError, Producer } from '@confluentinc/kafka-javascript';
import { TidemarkError } from '../../errors.ts';
import type {
  Appended,
  BulkWriter,
  LogReader,
  Membership,
  Position,
  RecordBytes,
  TopicPartition,
  Transaction,
  TransactionalWriter,
} from '../log.ts';
import { checkId, checkPosition } from '../positionRules.ts';
import { brokerError, isFenced, isNative, isUnanswered, QUEUE_FULL } from './brokerError.ts';
import { type BrokerSettings, clientConfig } from './brokerSettings.ts';
import { ask, type BrokerClient, connect, type Done, disconnect, requestTimeoutMs } from './client.ts';
import { Delivery } from './delivery.ts';
import type { GroupHandles } from './groups.ts';
import type { BrokerTopics } from './topics.ts';

/** A transaction whose process is gone keeps readers waiting for at most this long. */
const TRANSACTION_TIMEOUT_MS = 30_000;
/** Taking over may have to wait for the earlier owner's open transaction to be aborted. */
const INIT_TIMEOUT_MS = 30_000;
/** Positions or a commit that the broker did not answer are sent again, this often. */
const ANSWER_TRIES = 2;
/** Back-to-back transactions wait for the end of the one before by retrying: with the default of 100 ms, 13 a second. */
const RETRY_BACKOFF_MS = 2;
const RETRY_BACKOFF_MAX_MS = 100;
const LINGER_MS = 2;
const SHORTEST_SEND_MS = 1_000;
const MAX_QUEUED_RECORDS = 100_000;
const MAX_QUEUED_KB = 128 * 1024;
const QUEUE_FULL_WAIT_MS = 2;
/** A queue that stays full for longer has no broker to go to. */
const QUEUE_FULL_TIMEOUT_MS = TRANSACTION_TIMEOUT_MS;
/** How long a commit waits until readers can see it; another writer's open transaction can keep it from them. */
const VISIBLE_TIMEOUT_MS = 10_000;
const VISIBLE_POLL_MS = 1;

export interface WriterParts {
  readonly client: BrokerClient;
  readonly settings: BrokerSettings;
  readonly topics: BrokerTopics;
  readonly groups: GroupHandles;
  readonly isLogClosed: () => boolean;
  readonly onClosed: (one: LogReader | BulkWriter | Membership) => void;
}

/** Which records the broker client reports on: a report tells where a record landed, or why it did not. */
export type Reports = 'all' | 'failures';

/** What readers come to, once they see it. */
type PartitionEnd = Pick<Appended, 'topic' | 'partition' | 'nextOffset'>;

/** One epoch of a transactional id at a broker. */
export class KafkaWriter implements TransactionalWriter {
  readonly #parts: WriterParts;
  readonly #transactionalId: string;
  readonly #reports: Reports;
  /** A record that was not sent for so long has failed. */
  readonly #sendTimeoutMs: number;
  readonly #producer: Producer;
  /** What the records of a bulk writer's transaction failed with, if any did. */
  #failures: Delivery | null = null;
  /** Partitions that a bulk writer has appended to; readers may not see all of it yet. */
  readonly #unseen = new Map<string, TopicPartition>();
  #closed = false;
  /** Why this writer can do no more. Only a new one, that starts from the committed positions, may go on. */
  #broken: TidemarkError | null = null;

  private constructor(parts: WriterParts, transactionalId: string, reports: Reports) {
    const { client, settings } = parts;
    this.#parts = parts;
    this.#transactionalId = transactionalId;
    this.#reports = reports;
    this.#sendTimeoutMs = Math.min(TRANSACTION_TIMEOUT_MS, Math.max(SHORTEST_SEND_MS, settings.recoveryTimeoutMs));
    this.#producer = new client.Producer({
      ...clientConfig(settings),
      'transactional.id': `${settings.idPrefix}${transactionalId}`,
      'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
      'message.timeout.ms': this.#sendTimeoutMs,
      'retry.backoff.ms': RETRY_BACKOFF_MS,
      'retry.backoff.max.ms': RETRY_BACKOFF_MAX_MS,
      'linger.ms': LINGER_MS,
      'compression.codec': 'lz4',
      'queue.buffering.max.messages': MAX_QUEUED_RECORDS,
      'queue.buffering.max.kbytes': MAX_QUEUED_KB,
      dr_cb: true,
      'delivery.report.only.error': reports === 'failures',
    });
  }

  /** Takes over from every earlier writer of the id. @throws TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS */
  static async open(parts: WriterParts, transactionalId: string, reports: Reports): Promise<KafkaWriter> {
    checkId('transactional id', transactionalId);
    const writer = new KafkaWriter(parts, transactionalId, reports);
    const producer = writer.#producer;
    producer.on('delivery-report', (error: LibrdKafkaError | null, report) => {
      const delivery: unknown = report.opaque ?? writer.#failures;
      if (delivery instanceof Delivery) delivery.report(error, report.offset);
    });
    const what = `writer ${transactionalId} cannot be opened`;
    try {
      await connect(producer, what);
      producer.setPollInBackground(true);
      await ask<void>(what, (done) => producer.initTransactions(INIT_TIMEOUT_MS, (error) => done(error)));
    } catch (error) {
      await disconnect(producer);
      throw error;
    }
    return writer;
  }

  async commit({ appends, positions }: Transaction): Promise<readonly Appended[]> {
    if (this.#closed || this.#parts.isLogClosed()) {
      throw new TidemarkError('TM_LOG_CLOSED', 'This writer is closed.', { where: this.#transactionalId });
    }
    if (this.#broken !== null) throw this.#broken;
    await this.#check(appends, positions);
    if (appends.length === 0 && positions.length === 0) return [];
    const appended = await this.#transact(appends, positions);
    if (this.#reports === 'all') await this.#untilVisible(appended);
    else for (const place of appends) this.#unseen.set(`${place.topic}/${place.partition}`, place);
    return appended;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#broken === null) await this.#untilVisible(await this.#ends([...this.#unseen.values()]));
    } finally {
      await disconnect(this.#producer);
      this.#parts.onClosed(this);
    }
  }

  async #check(appends: Transaction['appends'], positions: Transaction['positions']): Promise<void> {
    const { topics } = this.#parts;
    for (const append of appends) await topics.check(append);
    for (const { group, positions: ofGroup } of positions) {
      checkId('group', group);
      for (const position of ofGroup) {
        checkPosition(group, position);
        await topics.check(position);
      }
    }
  }

  async #transact(appends: Transaction['appends'], positions: Transaction['positions']): Promise<Appended[]> {
    const producer = this.#producer;
    const what = `a transaction of ${this.#transactionalId} failed`;
    try {
      await ask<void>(what, (done) => producer.beginTransaction((error) => done(error)));
      const appended = this.#reports === 'all' ? await this.#send(appends) : await this.#sendUnplaced(what, appends);
      for (const { group, positions: ofGroup } of positions) await this.#sendPositions(what, group, ofGroup);
      await this.#commitTransaction(what);
      return appended;
    } catch (error) {
      throw await this.#abort(error, what);
    }
  }

  /** Sends records; resolves once the broker has them all. */
  async #send(appends: Transaction['appends']): Promise<Appended[]> {
    const deliveries: Delivery[] = [];
    for (const { topic, partition, records } of appends) {
      const delivery = new Delivery(records.count);
      deliveries.push(delivery);
      await this.#produce({ topic, partition }, records, delivery);
    }
    await Promise.all(deliveries.map(({ done }) => done));
    return this.#appended(appends, deliveries);
  }

  /** The same without a report on each record. */
  async #sendUnplaced(what: string, appends: Transaction['appends']): Promise<Appended[]> {
    const failures = new Delivery(Number.POSITIVE_INFINITY);
    this.#failures = failures;
    for (const { topic, partition, records } of appends) await this.#produce({ topic, partition }, records);
    const timeoutMs = this.#sendTimeoutMs + SHORTEST_SEND_MS;
    const sent = ask<void>(what, (done) => this.#producer.flush(timeoutMs, (error) => done(error)));
    await Promise.race([sent, failures.done]);
    return [];
  }

  /** The client keeps `delivery` until it reports on the record; of one that it never reports on, it would keep it for ever. */
  async #produce({ topic, partition }: TopicPartition, records: RecordBytes, delivery?: Delivery): Promise<void> {
    const { keys, keyOffsets, values, valueOffsets } = records;
    for (let i = 0; i < records.count; i++) {
      const key = slice(keys, keyOffsets[i] as number, keyOffsets[i + 1] as number);
      const value = slice(values, valueOffsets[i] as number, valueOffsets[i + 1] as number);
      for (let waitedMs = 0; ; waitedMs += QUEUE_FULL_WAIT_MS) {
        try {
          this.#producer.produce(topic, partition, value, key, null, delivery);
          break;
        } catch (error) {
          const isFull = isNative(error) && error.code === QUEUE_FULL;
          if (!isFull || waitedMs >= QUEUE_FULL_TIMEOUT_MS) throw error;
          await sleep(QUEUE_FULL_WAIT_MS);
        }
      }
    }
  }

  async #sendPositions(what: string, group: string, positions: readonly Position[]): Promise<void> {
    if (positions.length === 0) return;
    const { settings, groups } = this.#parts;
    const consumer = await groups.get(`${settings.idPrefix}${group}`);
    await untilAnswered(what, (done) =>
      this.#producer.sendOffsetsToTransaction([...positions], consumer, requestTimeoutMs(settings), (error) =>
        done(error),
      ),
    );
  }

  async #commitTransaction(what: string): Promise<void> {
    try {
      const timeoutMs = requestTimeoutMs(this.#parts.settings);
      await untilAnswered(what, (done) => this.#producer.commitTransaction(timeoutMs, (error) => done(error)));
    } catch (error) {
      // Whether it is committed only the broker knows; the next writer of the id finds out.
      if (isUnanswered(error)) this.#broken = error;
      throw error;
    }
  }

  /** Undoes what was begun; what is to be thrown. */
  async #abort(error: unknown, what: string): Promise<TidemarkError> {
    let failure: unknown = error;
    let aborting: unknown;
    if (this.#broken === null) {
      try {
        await ask<void>(what, (done) =>
          this.#producer.abortTransaction(requestTimeoutMs(this.#parts.settings), (e) => done(e)),
        );
      } catch (abortError) {
        aborting = abortError;
      }
    }
    const fenced = [failure, aborting].some((one) => isFenced(one instanceof TidemarkError ? one.cause : one));
    if (fenced) {
      failure = new TidemarkError('TM_LOG_FENCED', 'This writer was taken over by a newer one.', {
        where: this.#transactionalId,
        hint: 'Another process does the same work now; stop this one. If there is none, a transaction took too long: start again.',
        cause: error,
      });
    }
    const known = brokerError(failure, what);
    if (fenced || aborting !== undefined) this.#broken = known;
    return known;
  }

  #appended(appends: Transaction['appends'], deliveries: readonly Delivery[]): Promise<Appended[]> {
    return Promise.all(
      appends.map(async ({ topic, partition, records }, i) => {
        const delivery = deliveries[i];
        if (delivery !== undefined && records.count > 0) {
          return { topic, partition, firstOffset: delivery.firstOffset, nextOffset: delivery.lastOffset + 1 };
        }
        // An append of nothing lies at the end that the partition has then.
        const [end = 0] = await this.#parts.topics.ends([{ topic, partition }]);
        return { topic, partition, firstOffset: end, nextOffset: end };
      }),
    );
  }

  /** Where partitions end: at or after what was appended. */
  async #ends(places: readonly TopicPartition[]): Promise<PartitionEnd[]> {
    const ends = await this.#parts.topics.highWatermarks(places);
    return places.map(({ topic, partition }, i) => ({ topic, partition, nextOffset: ends[i] as number }));
  }

  /**
   * A broker writes the markers that end a transaction after it has answered the commit: until then the partition's last
   * stable offset lies before the records.
   */
  async #untilVisible(appended: readonly PartitionEnd[]): Promise<void> {
    if (appended.length === 0) return;
    const last = lastOfEach(appended);
    for (let waitedMs = 0; waitedMs < VISIBLE_TIMEOUT_MS; waitedMs += VISIBLE_POLL_MS) {
      const ends = await this.#parts.topics.ends(last);
      if (last.every(({ nextOffset }, i) => (ends[i] as number) >= nextOffset)) return;
      await sleep(VISIBLE_POLL_MS);
    }
  }
}

/** For the calls that the client allows to be repeated when their answer did not come. */
async function untilAnswered(what: string, start: (done: Done<void>) => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask<void>(what, start);
    } catch (error) {
      if (!isUnanswered(error) || attempt === ANSWER_TRIES) throw error;
    }
  }
}

/** The last append of each partition. */
function lastOfEach(appended: readonly PartitionEnd[]): PartitionEnd[] {
  return [...new Map(appended.map((one) => [`${one.topic}/${one.partition}`, one])).values()];
}

/** An address that is not null: at a null one, librdkafka takes empty for null. */
const EMPTY = Buffer.alloc(1).subarray(0, 0);

/** A view; librdkafka copies it. */
function slice(bytes: Uint8Array, start: number, end: number): Buffer {
  if (start === end) return EMPTY;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}
