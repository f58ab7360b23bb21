import type { RecordChunk, TopicPartition, TransactionalWriter } from '../log/log.ts';
import type { Assembly } from '../topology/assemble.ts';
import { type Barrier, NO_WATERMARK } from '../topology/elements.ts';
import { firstAtOrAbove, partOf } from './chunkPart.ts';
import type { InputStage } from './inputStage.ts';
import type { ControlRecord, Outbox } from './outbox.ts';
import type { RecordedFlush } from './recordedControls.ts';
import { finite, formatMark } from './taskPosition.ts';

/** A commit happens at whichever bound is met first. */
export interface CommitBounds {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly intervalMs: number;
}

/** Where a task stands when it is opened: a committed position, or the beginning. */
export interface TaskStart {
  /** Outputs are muted below this offset: they were committed. */
  readonly position: number;
  readonly controlSequence: number;
  /** No record before the position has a later event time. */
  readonly maxEventTime: number;
  /** The input offset that it began at when nothing was committed. */
  readonly began: number;
  /** Where it reads from, for the state at the position. */
  readonly from: ReadFrom;
  /** Recorded flushes that the re-read repeats, by sequence. */
  readonly flushes: readonly RecordedFlush[];
}

/** An input offset with the watermark in force there, and the controls that had applied. */
interface ReadFrom {
  readonly offset: number;
  readonly watermark: number;
  readonly controlSequence: number;
}

export interface TaskParts {
  /** The consumer group: the topology's name. */
  readonly group: string;
  readonly input: TopicPartition;
  /** The topology's name for the input. */
  readonly inputName: string;
  readonly partitions: number;
  readonly fingerprint: string;
  readonly start: TaskStart;
  readonly writer: TransactionalWriter;
  readonly stage: InputStage;
  readonly assembly: Assembly;
  readonly outbox: Outbox;
  readonly bounds: CommitBounds;
  readonly now: () => number;
  /** Told how long each commit took. */
  readonly onCommit: (durationMs: number) => void;
}

/**
 * One partition of a topology: the unit of state and recovery. Results, control records and the position that they bring
 * the task to are committed in one transaction; after a restart the state is rebuilt by reading again.
 */
export class Task {
  readonly input: TopicPartition;
  readonly #parts: TaskParts;
  #position: number;
  #controlSequence: number;
  readonly #toRepeat: RecordedFlush[];
  #committed: number;
  #uncommittedRecords = 0;
  #newRecords = 0;
  /** Unassigned records that the re-read met, and those of all that was committed. */
  #unassignedBefore: number | null = null;
  #unassigned = 0;
  #uncommittedSince: number | null = null;
  #hasControl = false;
  #maxEventTime: number;

  constructor(parts: TaskParts) {
    const { start } = parts;
    this.#parts = parts;
    this.input = parts.input;
    this.#position = start.from.offset;
    this.#committed = start.position;
    this.#controlSequence = start.controlSequence;
    this.#maxEventTime = start.maxEventTime;
    this.#toRepeat = [...start.flushes];
    if (start.from.watermark !== NO_WATERMARK) this.#push({ kind: 'watermark', tsMicros: start.from.watermark });
    this.#repeatFlushes(this.#position);
  }

  /** The next input offset. Below the committed one while the task re-reads. */
  get position(): number {
    return this.#position;
  }

  /** Controls other than commits so far. */
  get controlSequence(): number {
    return this.#controlSequence;
  }

  /** Records taken in that no earlier run had committed. */
  get newRecords(): number {
    return this.#newRecords;
  }

  /** Of these, records that fell into the gap between two windows, as of the last commit. */
  get unassigned(): number {
    return this.#unassigned;
  }

  /** Processes records that follow those before. The chunk's buffers are free for reuse when this resolves. */
  async take(records: RecordChunk): Promise<void> {
    let from = 0;
    while (from < records.count) {
      this.#repeatFlushes(records.offsets[from] as number);
      const boundary = this.#boundaryAfter(records.offsets[from] as number);
      const to = firstAtOrAbove(records, from, boundary);
      await this.#process(partOf(records, from, to));
      from = to;
    }
    this.#repeatFlushes(records.nextOffset);
    this.#position = records.nextOffset;
  }

  /** Moves on over offsets that hold no record: the markers that end a broker's transactions, and holes. */
  skipTo(offset: number): void {
    if (offset <= this.#position) return;
    this.#repeatFlushes(offset);
    this.#position = offset;
    if (offset > this.#committed) this.#uncommittedSince ??= this.#parts.now();
  }

  /** True when a bound of the commit is met. */
  get commitDue(): boolean {
    const { bounds, outbox, now } = this.#parts;
    if (this.#uncommittedSince === null) return false;
    if (this.#uncommittedRecords >= bounds.maxRecords || outbox.bytes >= bounds.maxBytes) return true;
    return now() - this.#uncommittedSince >= bounds.intervalMs;
  }

  /**
   * Fires every window whose contents changed since it last fired, and records that it did. Without new results nothing
   * is recorded.
   */
  flush(): void {
    const { totals } = this.#parts.outbox;
    const before = totals.results;
    this.#push({ kind: 'flush' });
    if (totals.results > before) this.#recordFlush();
  }

  /** Repeats a flush of the base here. It is recorded in any case: results outside the range are computed, not written. */
  repeatFlush(): void {
    this.#push({ kind: 'flush' });
    this.#recordFlush();
  }

  /** From here on nobody else writes any of the results. */
  writeEverything(): void {
    this.#parts.outbox.range = null;
  }

  #recordFlush(): void {
    this.#controlSequence++;
    this.#hasControl = true;
    this.#uncommittedSince ??= this.#parts.now();
    this.#addControl('flush', this.#barrier());
  }

  /** Writes what has come out, and the position, in one transaction. Does nothing when nothing has changed. */
  async commit(): Promise<void> {
    const { group, input, writer, outbox, start, fingerprint, partitions, now, onCommit } = this.#parts;
    if (this.#position <= this.#committed && !this.#hasControl) return;
    const barrier = this.#barrier();
    this.#addControl('commit', barrier);
    const mark = formatMark({
      fingerprint,
      partitions,
      controlSequence: this.#controlSequence,
      watermark: barrier.watermark,
      maxEventTime: this.#maxEventTime,
      began: start.began,
      snapshots: [],
    });
    const begunMs = now();
    await writer.commit({
      appends: outbox.take(),
      positions: [{ group, positions: [{ ...input, offset: this.#position, metadata: mark }] }],
    });
    onCommit(now() - begunMs);
    this.#unassigned = barrier.unassigned - (this.#unassignedBefore ?? barrier.unassigned);
    this.#committed = this.#position;
    this.#uncommittedRecords = 0;
    this.#uncommittedSince = null;
    this.#hasControl = false;
  }

  async close(): Promise<void> {
    this.#parts.assembly.close();
    await this.#parts.writer.close();
  }

  async #process(records: RecordChunk): Promise<void> {
    if (records.count === 0) return;
    const { stage, outbox, now } = this.#parts;
    const isNew = (records.offsets[0] as number) >= this.#committed;
    const { chunk, rejected } = await stage.accept(records);
    if (isNew) {
      this.#unassignedBefore ??= this.#barrier().unassigned;
      this.#uncommittedSince ??= now();
      this.#uncommittedRecords += records.count;
      this.#newRecords += records.count;
      for (const record of rejected) outbox.addRejected(record);
    }
    this.#maxEventTime = latest(chunk.timesMicros, this.#maxEventTime);
    this.#muted(!isNew, () => this.#push(chunk));
    this.#position = records.nextOffset;
  }

  /** Where a run of records from `offset` on must stop: at a recorded flush, or at the end of what was committed. */
  #boundaryAfter(offset: number): number {
    const flush = this.#toRepeat[0]?.position ?? Number.POSITIVE_INFINITY;
    const committed = offset < this.#committed ? this.#committed : Number.POSITIVE_INFINITY;
    return Math.min(flush, committed);
  }

  #repeatFlushes(upTo: number): void {
    while (this.#toRepeat.length > 0 && (this.#toRepeat[0]?.position ?? 0) <= upTo) {
      this.#toRepeat.shift();
      this.#muted(true, () => this.#push({ kind: 'flush' }));
    }
  }

  #muted(muted: boolean, act: () => void): void {
    this.#parts.outbox.muted = muted;
    act();
    this.#parts.outbox.muted = false;
  }

  #push(element: Parameters<Assembly['push']>[1]): void {
    const { assembly, inputName } = this.#parts;
    assembly.push(inputName, element);
    while (assembly.resume());
  }

  #barrier(): Barrier {
    const barrier: Barrier = {
      kind: 'barrier',
      watermark: NO_WATERMARK,
      unassigned: 0,
      refired: 0,
    };
    this.#push(barrier);
    return barrier;
  }

  #addControl(kind: ControlRecord['kind'], barrier: Barrier): void {
    this.#parts.outbox.addControl({
      kind,
      position: this.#position,
      controlSequence: this.#controlSequence,
      watermark: finite(barrier.watermark),
      maxEventTime: finite(this.#maxEventTime),
    });
  }
}

function latest(timesMicros: Float64Array, soFar: number): number {
  let max = soFar;
  for (let i = 0; i < timesMicros.length; i++) if ((timesMicros[i] as number) > max) max = timesMicros[i] as number;
  return max;
}
