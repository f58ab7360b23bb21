import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendTimes, Selection } from '../../core/aheadOfAppend.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import type { Columns } from '../../core/columns.ts';
import { gatherDoubles, gatherRows } from '../../core/gather.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type {
  Log,
  LogReader,
  PartitionRange,
  Position,
  RecordChunk,
  TopicPartition,
  TransactionalWriter,
} from '../../log/log.ts';
import { ArrowInsert } from './arrow.ts';
import { type ClickHouse, isConnectionError } from './connect.ts';
import type { InsertTarget } from './insertTarget.ts';
import { refusalText } from './refusal.ts';
import { type DeadLetterTopic, UnstoredRecords } from './unstoredRecords.ts';

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** A topic, the schema that its values are read with, and the table that its records go to. */
export interface SinkSource {
  readonly topic: string;
  readonly schema: RecordSchema;
  readonly target: InsertTarget;
  /** The rows to be stored, and records that are dead letters instead; null for all, as without it. */
  readonly select?: (columns: Columns, times: AppendTimes) => Selection | null;
}

export interface SinkBounds {
  /** Most rows in an insert. */
  readonly batchRows: number;
  /** An insert stops growing once its rows hold this much. */
  readonly batchBytes: number;
  /** Longest wait of a row before its insert. */
  readonly batchMs: number;
  /** How often an insert is tried again when its connection fails. */
  readonly insertRetries: number;
}

export interface SinkOptions {
  readonly log: Log;
  /** The consumer group whose positions say how far ClickHouse has come; also the id of the sink's log writer. */
  readonly group: string;
  readonly clickhouse: ClickHouse;
  readonly sources: readonly SinkSource[];
  readonly bounds: SinkBounds;
  readonly schemaById: (id: number) => Promise<string>;
  /** Where records that cannot be stored are told of. */
  readonly deadLetters: DeadLetterTopic;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

interface Feed extends SinkSource {
  readonly decoder: TopicDecoder;
  /** What waits for the next insert. */
  pending: ArrowInsert;
}

/**
 * Writes topics to tables: reads, inserts, and commits its positions once ClickHouse has acknowledged. A sink that is
 * killed in between inserts the same rows again, which replace themselves by the tables' keys, so nothing is lost and
 * nothing counts twice.
 */
export class ClickHouseSink {
  readonly #options: SinkOptions;
  /** Goes with every position: positions of another database say nothing of what this one holds. */
  readonly #database: string;
  readonly #feeds: ReadonlyMap<string, Feed>;
  readonly #reader: LogReader;
  readonly #writer: TransactionalWriter;
  readonly #unstored: UnstoredRecords;
  /** Committed positions, by partition, in the order of the assignment. */
  readonly #committed: { readonly place: TopicPartition; offset: number }[];
  #pendingSinceMs: number | null = null;

  private constructor(
    options: SinkOptions,
    database: string,
    reader: LogReader,
    writer: TransactionalWriter,
    start: readonly (TopicPartition & { readonly offset: number })[],
  ) {
    this.#options = options;
    this.#database = database;
    this.#reader = reader;
    this.#writer = writer;
    this.#unstored = new UnstoredRecords(options.deadLetters);
    this.#committed = start.map(({ topic, partition, offset }) => ({ place: { topic, partition }, offset }));
    this.#feeds = new Map(
      options.sources.map((source) => [
        source.topic,
        {
          ...source,
          decoder: new TopicDecoder(source.schema, options.schemaById),
          pending: new ArrowInsert(source.target),
        },
      ]),
    );
  }

  /**
   * Starts at the positions committed for this database, or at a topic's begin where there is none, so that a database that
   * was lost is filled again. Fences an earlier sink of the same group.
   *
   * @throws TM_TOPIC_UNKNOWN, TM_OFFSET_OUT_OF_RANGE
   */
  static async open(options: SinkOptions): Promise<ClickHouseSink> {
    const { log, group, sources } = options;
    const database = await identityOf(options.clickhouse);
    const writer = await log.openWriter(group);
    try {
      const committed = (await log.committed(group)).filter(({ metadata }) => metadata === database);
      const ranges = await Promise.all(sources.map(({ topic }) => log.ranges(topic)));
      const start = ranges.flat().map(({ topic, partition, begin }) => ({
        topic,
        partition,
        offset:
          committed.find((position) => position.topic === topic && position.partition === partition)?.offset ?? begin,
      }));
      return new ClickHouseSink(options, database, await log.openReader(start), writer, start);
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /**
   * Gathers rows until an insert is due or nothing comes within `waitMs`, and stores them. Gives the rows stored.
   *
   * @throws TM_CLICKHOUSE_INSERT, TM_CLICKHOUSE_UNREACHABLE, TM_LOG_FENCED
   */
  async step(waitMs: number): Promise<number> {
    for (;;) {
      const { batchMs, batchRows, batchBytes } = this.#options.bounds;
      const fullest = Math.max(...Array.from(this.#feeds.values(), ({ pending }) => pending.rows));
      const leftMs = this.#pendingSinceMs === null ? waitMs : this.#pendingSinceMs + batchMs - this.#options.now();
      if (leftMs <= 0 && this.#pendingSinceMs !== null) return this.#flush();
      const chunk = await this.#reader.read(
        { maxRecords: batchRows - fullest, maxBytes: batchBytes },
        Math.min(waitMs, leftMs),
      );
      if (chunk === null) return this.#flush();
      if (await this.#take(chunk)) return this.#flush();
    }
  }

  /** Whether all that lies before these ends is stored. Topics that the sink does not read count as stored. */
  reached(ends: readonly PartitionRange[]): boolean {
    return ends.every(({ topic, partition, end }) => {
      const own = this.#committed.find(({ place }) => place.topic === topic && place.partition === partition);
      return own === undefined || own.offset >= end;
    });
  }

  /** Rows that are not stored yet are read again by the next sink. */
  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }

  /** Whether an insert is due. */
  async #take(chunk: RecordChunk): Promise<boolean> {
    const feed = this.#feeds.get(chunk.topic);
    if (feed === undefined) throw new RangeError(`the sink does not read ${chunk.topic}`);
    const { columns, rows, bad } = await feed.decoder.decode(chunk);
    const offsets = rows === null ? chunk.offsets : gatherDoubles(chunk.offsets, rows);
    const selection = feed.select?.(columns, { appendMs: chunk.appendMs, rows }) ?? null;
    this.#unstored.add(chunk, [...bad, ...(selection?.refused ?? [])]);
    feed.pending.append({ ...selected(columns, offsets, selection), partition: chunk.partition });
    this.#pendingSinceMs ??= this.#options.now();
    const { batchRows, batchBytes } = this.#options.bounds;
    return feed.pending.rows >= batchRows || feed.pending.bytes >= batchBytes;
  }

  async #flush(): Promise<number> {
    let stored = 0;
    for (const feed of this.#feeds.values()) {
      if (feed.pending.rows === 0) continue;
      stored += feed.pending.rows;
      await this.#insert(feed.pending, feed.target.table);
      feed.pending = new ArrowInsert(feed.target);
    }
    this.#pendingSinceMs = null;
    await this.#commit();
    return stored;
  }

  /** Positions move past markers and holes too, which hold no row. */
  async #commit(): Promise<void> {
    const moved = this.#committed.filter(({ place, offset }) => this.#reader.position(place) !== offset);
    if (moved.length === 0) return;
    const positions: Position[] = moved.map(({ place }) => ({
      ...place,
      offset: this.#reader.position(place),
      metadata: this.#database,
    }));
    await this.#writer.commit({
      appends: this.#unstored.take(),
      positions: [{ group: this.#options.group, positions }],
    });
    moved.forEach((own, i) => {
      own.offset = positions[i]?.offset ?? own.offset;
    });
  }

  async #insert(pending: ArrowInsert, table: string): Promise<void> {
    const { sql, body } = pending.finish();
    const { insertRetries } = this.#options.bounds;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#options.clickhouse.insert(sql, body);
      } catch (error) {
        if (error instanceof TidemarkError) throw error;
        if (!isConnectionError(error) || attempt === insertRetries) throw insertError(error, table, pending.rows);
        await sleep(Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS));
      }
    }
  }
}

function selected(columns: Columns, offsets: Float64Array, selection: Selection | null) {
  if (selection === null || selection.kept.length === columns.length) return { columns, offsets };
  const { kept } = selection;
  return { columns: gatherRows(columns, kept), offsets: gatherDoubles(offsets, kept) };
}

function insertError(error: unknown, table: string, rows: number): TidemarkError {
  const code = isConnectionError(error) ? 'TM_CLICKHOUSE_UNREACHABLE' : 'TM_CLICKHOUSE_INSERT';
  return new TidemarkError(code, `ClickHouse did not take ${rows} rows: ${refusalText(error)}`, {
    where: table,
    hint: 'Nothing is lost: once ClickHouse takes rows again, the next run goes on from here.',
    cause: error,
  });
}

/** Made anew with each database (Atomic engine). */
async function identityOf(clickhouse: ClickHouse): Promise<string> {
  const [row] = await clickhouse.rows<{ id: string }>(
    'SELECT toString(uuid) AS id FROM system.databases WHERE name = currentDatabase()',
  );
  if (row === undefined) throw new RangeError(`no database ${clickhouse.database}`);
  return row.id;
}
