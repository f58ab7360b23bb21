/**
 * The log port: what the engine asks of a durable, partitioned log. Two adapters keep it (embedded, kafka), held to one
 * contract by `test/log/contract.ts`. Records cross the port as columns over shared buffers, never one object each.
 */

/** Key and value bytes of many records, as ranges over one buffer each. Length of the offset arrays is `count + 1`. */
export interface RecordBytes {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly keyOffsets: Int32Array;
  readonly values: Uint8Array;
  readonly valueOffsets: Int32Array;
}

/** Consecutive records of one partition, as read. Offsets rise but may have gaps (transaction markers, compaction). */
export interface RecordChunk {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
  /** The buffer that keys and values lie in; valid until the next `read`. */
  readonly data: Uint8Array;
  /** Start and end of each key in `data`; -1 and -1 for a null key. */
  readonly keyStarts: Int32Array;
  readonly keyEnds: Int32Array;
  /** Start and end of each value in `data`; -1 and -1 for a null value (tombstone). */
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
  readonly offsets: Float64Array;
  /** When the log appended the record (LogAppendTime), epoch milliseconds. */
  readonly appendMs: Float64Array;
  /** The position after this chunk: the next offset to read. Counts markers and holes that hold no record. */
  readonly nextOffset: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A consumer's or producer's place, committed in a transaction: an offset and a short text that goes with it. */
export interface Position extends TopicPartition {
  readonly offset: number;
  /** At most 4,000 bytes (a Kafka broker refuses more by default). */
  readonly metadata: string;
}

export interface TopicSettings {
  readonly partitions: number;
  /** Records older than this (by append time) may be deleted; -1 keeps everything. */
  readonly retentionMs: number;
}

export interface TopicDescription extends TopicSettings {
  readonly topic: string;
}

/** First and next offset of a partition. `end` is the last stable offset: what `read_committed` can reach. */
export interface PartitionRange extends TopicPartition {
  readonly begin: number;
  readonly end: number;
}

/** Where an append landed: the offset of its first record and the position after its last. */
export interface Appended extends TopicPartition {
  readonly firstOffset: number;
  readonly nextOffset: number;
}

/** What one transaction does: all of it becomes visible at once, or none. */
export interface Transaction {
  readonly appends: readonly (TopicPartition & { readonly records: RecordBytes })[];
  /** Positions by consumer group. */
  readonly positions: readonly { readonly group: string; readonly positions: readonly Position[] }[];
}

/** A writer of many records, that does not tell where they landed. */
export interface BulkWriter {
  /** Resolves once the transaction is in the log, a moment before readers see it. @throws TM_LOG_FENCED, TM_TOPIC_UNKNOWN, TM_LOG_FULL */
  commit(transaction: Transaction): Promise<unknown>;
  /** Resolves once readers see all that was committed. */
  close(): Promise<void>;
}

export interface TransactionalWriter extends BulkWriter {
  /** Resolves once readers see the transaction, with where each append landed. @throws as `BulkWriter.commit` */
  commit(transaction: Transaction): Promise<readonly Appended[]>;
}

export interface ReadBounds {
  /** Most records a call returns. */
  readonly maxRecords: number;
  /** A chunk stops growing once its records hold this many bytes; one larger record is still returned alone. */
  readonly maxBytes: number;
}

/** Reads committed records of the assigned partitions, in offset order within each, partitions in turn. */
export interface LogReader {
  /** The next chunk, or null when every partition is at its end and nothing came within `waitMs`. */
  read(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null>;
  /** Next offset to be read, holes and markers included. */
  position(partition: TopicPartition): number;
  seek(partition: TopicPartition, offset: number): void;
  /** A paused partition is skipped by `read` until it is resumed. */
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
  close(): Promise<void>;
}

/**
 * What a member of a group does with the partitions that it has. The calls come one after another, each once the one before
 * has resolved.
 */
export interface PartitionOwner {
  /** They are this member's from now on, and no other's. None, where a member comes in that others have yet to give some. */
  assigned(partitions: readonly number[]): Promise<void>;
  /** Other members are to have them, once this resolves: what was done is committed by then. */
  revoked(partitions: readonly number[]): Promise<void>;
  /**
   * The group has given them up without asking, since this member did not answer for too long. Others may have them
   * already: what was not committed is theirs to do.
   */
  lost(partitions: readonly number[]): Promise<void>;
}

/**
 * One process's part in a group whose members share the partitions of a topic, each partition with one member at a time.
 * When a member comes, goes or dies, those partitions change hands that have to, and the others stay where they are.
 * Membership shares out the work; what keeps an earlier owner from doing it still is its writer's fencing.
 */
export interface Membership {
  /**
   * Tells the owner what has changed. A member that does not call it for some minutes counts as hung and loses its
   * partitions. Rejects with what the owner rejects with, and then the member is of no more use.
   */
  poll(): Promise<void>;
  /** Leaves: the partitions go to other members at once, without a call to the owner, so commit before. */
  close(): Promise<void>;
}

export interface Log {
  /** Makes a topic; does nothing when one with the same settings exists. @throws TM_TOPIC_DIFFERS, TM_TOPIC_NAME */
  createTopic(topic: string, settings: TopicSettings): Promise<void>;
  listTopics(): Promise<readonly TopicDescription[]>;
  /** Ranges of all partitions of a topic, in order. @throws TM_TOPIC_UNKNOWN */
  ranges(topic: string): Promise<readonly PartitionRange[]>;
  /** First offset appended at or after `epochMs`, or the end. @throws TM_TOPIC_UNKNOWN */
  offsetAtTime(partition: TopicPartition, epochMs: number): Promise<number>;
  /**
   * Writers are the only way to write. Opening one fences every earlier writer of the same id (KIP-98's epochs): their next
   * commit fails with TM_LOG_FENCED.
   */
  openWriter(transactionalId: string): Promise<TransactionalWriter>;
  /** As `openWriter`, for many records whose offsets nobody asks for: a broker's report on each of them costs as much as to send it. */
  openBulkWriter(transactionalId: string): Promise<BulkWriter>;
  /** Starts at the given offsets. @throws TM_TOPIC_UNKNOWN, TM_OFFSET_OUT_OF_RANGE (below the begin or above the end) */
  openReader(start: readonly (TopicPartition & { readonly offset: number })[]): Promise<LogReader>;
  /**
   * Committed positions of a group, for those of the partitions (of all, when none are named) that have one. Waits for the
   * end of transactions that store some of these, also of those that a killed process left open.
   */
  committed(group: string, partitions?: readonly TopicPartition[]): Promise<readonly Position[]>;
  /** Makes this process a member of a group that shares the partitions of a topic. @throws TM_TOPIC_UNKNOWN */
  join(group: string, topic: string, owner: PartitionOwner): Promise<Membership>;
  /** Deletes records below an offset (or all that retention allows, for the adapter that has no background cleaner). */
  deleteRecords(partition: TopicPartition, beforeOffset: number): Promise<void>;
  close(): Promise<void>;
}
