import { RowWriter } from '../../core/avro/rowWriter.ts';
import type { Columns } from '../../core/columns.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Transaction, TransactionalWriter } from '../../log/log.ts';
import type { IngestRequest } from '../../schemas.generated.ts';
import { byPartition } from '../byPartition.ts';
import { INGEST_REQUEST } from '../schemas.ts';
import { topicSchema } from '../topicSchema.ts';
import { encodeParts, openTopic, type TopicParts, type TopicWriter } from '../topicWriter.ts';
import { NewestTimes } from './newestTimes.ts';
import { type KeyBounds, REQUEST_PARTITIONS, REQUEST_TOPIC, RequestKeys } from './requestKeys.ts';

/** Of all processes that take rows: the one that writes has read the keys of those before it. */
const TRANSACTIONAL_ID = 'ingest';
/** How often rows are written again after another process has taken over in between. */
const MAX_TAKEOVERS = 5;

export interface IngestOptions extends TopicParts, KeyBounds {
  /** The key field of each topic that rows may go to. */
  readonly keyFields: ReadonlyMap<string, string>;
  /** Most requests that wait to be written. */
  readonly maxRequests: number;
  /** A record further ahead of the clock than this does not count as the topic's newest. */
  readonly maxAheadMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A topic that takes rows. */
export interface IngestTopic extends TopicWriter {
  readonly schema: RecordSchema;
  readonly keyField: string;
}

/** The rows of a request, and what names it. */
export interface RowsRequest {
  readonly topic: IngestTopic;
  readonly key: string;
  readonly digest: string;
  readonly columns: Columns;
  readonly rejected: number;
}

export interface Written extends Pick<IngestRequest, 'accepted' | 'rejected'> {
  /** Its rows had been written before. */
  readonly isRepeat: boolean;
}

interface Waiting {
  readonly request: RowsRequest;
  readonly settle: (outcome: Written | TidemarkError) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Writes the rows of requests, each request once. The rows and the request's key go in one transaction, by one writer at a
 * time that knows all keys before its own: a repeat finds its key, whether the answer was lost, the process was killed, or
 * the repeat came to another process. Requests that wait go together.
 */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #topics = new Map<string, Promise<IngestTopic>>();
  readonly #keys: RequestKeys;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #writer: TransactionalWriter | null = null;
  #requests: TopicWriter | null = null;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#keys = new RequestKeys(options, options);
  }

  /** @throws TM_TOPIC_UNKNOWN, TM_SCHEMA_UNKNOWN, TM_SCHEMA_UNSUPPORTED, TM_TOPIC_OWN, TM_COLUMN_UNKNOWN, TM_COLUMN_KIND */
  topic(name: string): Promise<IngestTopic> {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const keyField = this.#options.keyFields.get(name);
    if (keyField === undefined) {
      throw new TidemarkError('TM_TOPIC_UNKNOWN', `rows do not go to a topic ${name}`, {
        where: 'topic',
        hint: `They may go to ${[...this.#options.keyFields.keys()].join(', ')} (ingest.topics).`,
      });
    }
    const opened = this.#openTopic(name, keyField).catch((error: unknown) => {
      this.#topics.delete(name);
      throw error;
    });
    this.#topics.set(name, opened);
    return opened;
  }

  /**
   * Resolves once the rows are written, or were before.
   * @throws TM_INGEST_BUSY, TM_INGEST_KEY_REUSED, and what a log throws
   */
  async write(request: RowsRequest): Promise<Written> {
    if (this.#waiting.length >= this.#options.maxRequests) throw busy(this.#options.maxRequests);
    return new Promise((resolve, reject) => {
      const settle: Waiting['settle'] = (outcome) =>
        outcome instanceof TidemarkError ? reject(outcome) : resolve(outcome);
      this.#waiting.push({ request, settle, fail: reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Writes what waits first. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#closeWriter();
  }

  async #openTopic(topic: string, keyField: string): Promise<IngestTopic> {
    const { log, registry } = this.#options;
    const schema = await topicSchema(registry, topic);
    const key = schema.fields.find(({ name }) => name === keyField);
    if (key?.kind !== 'string') {
      throw new TidemarkError('TM_COLUMN_UNKNOWN', `topic ${topic} has no field of text '${keyField}' to be its key`, {
        where: 'ingest.topics',
        hint: `Name its key there: ${topic}:FIELD.`,
      });
    }
    return { ...(await openTopic({ topic, schema }, this.#options, await log.listTopics())), schema, keyField };
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#writeBatch(batch);
    }
    // Here, and not in a later turn: what comes from now on has to begin anew.
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    for (let takeovers = 0; ; takeovers++) {
      try {
        return await this.#commit(batch);
      } catch (error) {
        // Whether it was committed is not known: the next writer reads the keys. What closing says is no news.
        await this.#closeWriter().catch(() => undefined);
        const code = error instanceof TidemarkError ? error.code : null;
        if (code === 'TM_LOG_FENCED' && takeovers < MAX_TAKEOVERS) continue;
        if (code === 'TM_LOG_RECORD_TOO_LARGE' && batch.length > 1) {
          // One request's rows: the others are not to fail with it.
          for (const one of batch) await this.#writeBatch([one]);
          return;
        }
        for (const { fail } of batch) fail(error);
        return;
      }
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { now } = this.#options;
    const { writer, requests } = await this.#open();
    const fresh = new Map<string, IngestRequest>();
    const outcomes: (readonly [Waiting, Written | TidemarkError])[] = [];
    const rows: RowsRequest[] = [];
    for (const waiting of batch) {
      const { request } = waiting;
      const known = fresh.get(request.key) ?? this.#keys.get(request.key, now());
      if (known === undefined) {
        fresh.set(request.key, recordOf(request));
        rows.push(request);
      }
      outcomes.push([waiting, known === undefined ? writtenNow(request) : repeated(request, known)]);
    }
    if (rows.length > 0) {
      const keys = new RowWriter(INGEST_REQUEST);
      for (const record of fresh.values()) keys.add(record);
      const columns = keys.finish();
      const records = encodeParts(requests, columns, byPartition(columns, 'key', REQUEST_PARTITIONS));
      const { appends, positions } = await this.#rowsOf(rows);
      const appended = await writer.commit({ appends: [...appends, ...records], positions });
      const place = appended.find(({ topic }) => topic === REQUEST_TOPIC);
      this.#keys.wrote(fresh.values(), now(), place?.nextOffset ?? 0);
    }
    for (const [{ settle }, outcome] of outcomes) settle(outcome);
  }

  async #rowsOf(requests: readonly RowsRequest[]): Promise<Transaction> {
    const { log, now, maxAheadMs } = this.#options;
    const newest = new NewestTimes(log, (now() + maxAheadMs) * MICROS_PER_MS);
    const appends: Transaction['appends'][number][] = [];
    for (const { topic, columns } of requests) {
      const parts = byPartition(columns, topic.keyField, topic.partitions);
      appends.push(...encodeParts(topic, columns, parts));
      await newest.add(topic.topic, columns, parts);
    }
    return { appends, positions: newest.positions() };
  }

  /** The writer comes first: once it is open, nobody else can write a key any more. */
  async #open(): Promise<{ readonly writer: TransactionalWriter; readonly requests: TopicWriter }> {
    const { log, keepKeysMs, now } = this.#options;
    if (this.#requests === null) {
      const settings = { ...this.#options, partitions: REQUEST_PARTITIONS, retentionMs: keepKeysMs };
      const target = { topic: REQUEST_TOPIC, schema: INGEST_REQUEST };
      this.#requests = await openTopic(target, settings, await log.listTopics());
    }
    if (this.#writer === null) {
      const writer = await log.openWriter(TRANSACTIONAL_ID);
      this.#writer = writer;
      await this.#keys.catchUp(now());
    }
    return { writer: this.#writer, requests: this.#requests };
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await writer?.close();
  }
}

function recordOf({ key, digest, columns, rejected }: RowsRequest): IngestRequest {
  return { key, digest, accepted: columns.length, rejected };
}

function writtenNow({ columns, rejected }: RowsRequest): Written {
  return { accepted: columns.length, rejected, isRepeat: false };
}

function repeated({ digest }: RowsRequest, known: IngestRequest): Written | TidemarkError {
  if (known.digest === digest) return { accepted: known.accepted, rejected: known.rejected, isRepeat: true };
  return new TidemarkError('TM_INGEST_KEY_REUSED', 'this key came before with another topic, format or body', {
    where: 'idempotency-key',
    hint: 'Give each request a key of its own, and a repeat the key and the body that it had.',
  });
}

export function busy(maxRequests: number): TidemarkError {
  return new TidemarkError('TM_INGEST_BUSY', `${maxRequests} requests are under way already`, {
    where: 'ingest.maxRequests',
    hint: 'Send it again, with the same key, after the time that `retry-after` says.',
  });
}
