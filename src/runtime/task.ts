import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordChunk, TopicPartition, Transaction, TransactionalWriter } from '../log/log.ts';
import type { Assembly } from '../topology/assemble.ts';
import { type Barrier, type Element, NO_WATERMARK } from '../topology/elements.ts';
import { firstAtOrAbove, partOf } from './chunkPart.ts';
import type { InputStage } from './inputStage.ts';
import type { ControlRecord, Outbox } from './outbox.ts';
import type { RecordedFlush } from './recordedControls.ts';
import type { SnapshotSchedule } from './snapshotSchedule.ts';
import type { SnapshotPointer, Snapshots } from './snapshots.ts';
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
  /** The newest snapshots, newest first. */
  readonly snapshots: readonly SnapshotPointer[];
  /** The end of the partition of control records. */
  readonly controlEnd: number;
}

/** An input offset with the state there: that of a snapshot, or a watermark and nothing else. */
export interface ReadFrom {
  readonly offset: number;
  readonly state: Uint8Array | null;
  readonly watermark: number;
  /** Controls that had applied there; later ones are recorded from the offset on. */
  readonly controlSequence: number;
  readonly controlOffset: number;
}

export interface TaskParts {
  /** The consumer group: the topology's name. */
  readonly group: string;
  readonly input: TopicPartition;
  /** The topology's name for the input. */
  readonly inputName: string;
  readonly partitions: number;
  readonly fingerprint: string;
  readonly controlTopic: string;
  readonly start: TaskStart;
  readonly writer: TransactionalWriter;
  readonly stage: InputStage;
  readonly assembly: Assembly;
  readonly outbox: Outbox;
  readonly snapshots: Snapshots;
  readonly schedule: SnapshotSchedule;
  readonly bounds: CommitBounds;
  readonly now: () => number;
  /** Told how long each commit took. */
  readonly onCommit: (durationMs: number) => void;
}

/**
 * One partition of a topology: the unit of state and recovery. Results, control records and the position that they bring
 * the task to are committed in one transaction. State at a position is a pure function of what lies before it, so snapshots are
 * written outside that transaction; after a restart the newest is taken, and the records since are read again.
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
  #controlEnd: number;
  /** Where the newest snapshot is of, or where the state began. */
  #saved: { readonly position: number; readonly controlSequence: number };

  private constructor(parts: TaskParts) {
    const { start } = parts;
    this.#parts = parts;
    this.input = parts.input;
    this.#position = start.from.offset;
    this.#committed = start.position;
    this.#controlSequence = start.controlSequence;
    this.#maxEventTime = start.maxEventTime;
    this.#toRepeat = [...start.flushes];
    this.#controlEnd = start.controlEnd;
    this.#saved = { position: start.from.offset, controlSequence: start.from.controlSequence };
  }

  /** A task with the state of where it reads from. */
  static async open(parts: TaskParts): Promise<Task> {
    const task = new Task(parts);
    const { state, watermark } = parts.start.from;
    if (state !== null) parts.assembly.restore(state);
    else if (watermark !== NO_WATERMARK) await task.#push({ kind: 'watermark', tsMicros: watermark });
    await task.#repeatFlushes(task.#position);
    return task;
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
    const { now, schedule } = this.#parts;
    const begunMs = now();
    let from = 0;
    while (from < records.count) {
      await this.#repeatFlushes(records.offsets[from] as number);
      const boundary = this.#boundaryAfter(records.offsets[from] as number);
      const to = firstAtOrAbove(records, from, boundary);
      await this.#process(partOf(records, from, to));
      from = to;
    }
    await this.#repeatFlushes(records.nextOffset);
    this.#position = records.nextOffset;
    schedule.worked(records.count, now() - begunMs);
  }

  /** Moves on over offsets that hold no record: the markers that end a broker's transactions, and holes. */
  async skipTo(offset: number): Promise<void> {
    if (offset <= this.#position) return;
    await this.#repeatFlushes(offset);
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
  async flush(): Promise<void> {
    const { totals } = this.#parts.outbox;
    const before = totals.results;
    await this.#push({ kind: 'flush' });
    if (totals.results > before) this.#recordFlush();
  }

  /** Repeats a flush of the base here. It is recorded in any case: results outside the range are computed, not written. */
  async repeatFlush(): Promise<void> {
    await this.#push({ kind: 'flush' });
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
    const { writer, outbox, controlTopic, schedule, now, onCommit } = this.#parts;
    if (this.#position <= this.#committed && !this.#hasControl) return;
    const barrier = this.#barrier();
    this.#addControl('commit', barrier);
    const begunMs = now();
    const appended = await writer.commit({ appends: outbox.take(), positions: [this.#place(barrier)] });
    onCommit(now() - begunMs);
    this.#controlEnd = appended.find(({ topic }) => topic === controlTopic)?.nextOffset ?? this.#controlEnd;
    this.#unassigned = barrier.unassigned - (this.#unassignedBefore ?? barrier.unassigned);
    this.#committed = this.#position;
    this.#uncommittedRecords = 0;
    this.#uncommittedSince = null;
    this.#hasControl = false;
    schedule.worked(0, now() - begunMs);
    // The next commit names it: until then the one before is the newest.
    if (schedule.isDue) await this.#takeSnapshot();
  }

  /** Commits, and leaves a snapshot of the position: whoever opens the task next reads nothing again. */
  async finish(): Promise<void> {
    await this.commit();
    const isRereading = this.#position < this.#committed;
    if (isRereading || this.#isSaved) return;
    await this.#takeSnapshot();
    await this.#parts.writer.commit({ appends: [], positions: [this.#place(this.#barrier())] });
  }

  get #isSaved(): boolean {
    return this.#saved.position === this.#position && this.#saved.controlSequence === this.#controlSequence;
  }

  async #takeSnapshot(): Promise<void> {
    const { assembly, snapshots, schedule, now } = this.#parts;
    const begunMs = now();
    const at = { position: this.#position, controlSequence: this.#controlSequence };
    await snapshots.write(assembly.snapshot(), { ...at, controlOffset: this.#controlEnd });
    this.#saved = at;
    schedule.taken(now() - begunMs);
  }

  #place({ watermark }: Barrier): Transaction['positions'][number] {
    const { group, input, start, snapshots, fingerprint, partitions } = this.#parts;
    const mark = formatMark({
      fingerprint,
      partitions,
      controlSequence: this.#controlSequence,
      watermark,
      maxEventTime: this.#maxEventTime,
      began: start.began,
      snapshots: snapshots.pointers,
    });
    return { group, positions: [{ ...input, offset: this.#position, metadata: mark }] };
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
    await this.#muted(!isNew, chunk);
    this.#position = records.nextOffset;
  }

  /** Where a run of records from `offset` on must stop: at a recorded flush, or at the end of what was committed. */
  #boundaryAfter(offset: number): number {
    const flush = this.#toRepeat[0]?.position ?? Number.POSITIVE_INFINITY;
    const committed = offset < this.#committed ? this.#committed : Number.POSITIVE_INFINITY;
    return Math.min(flush, committed);
  }

  async #repeatFlushes(upTo: number): Promise<void> {
    while (this.#toRepeat.length > 0 && (this.#toRepeat[0]?.position ?? 0) <= upTo) {
      this.#toRepeat.shift();
      await this.#muted(true, { kind: 'flush' });
    }
  }

  async #muted(muted: boolean, element: Element): Promise<void> {
    this.#parts.outbox.muted = muted;
    await this.#push(element);
    this.#parts.outbox.muted = false;
  }

  /** All that comes out is out when this resolves; a long firing leaves the event loop its turns. */
  async #push(element: Element): Promise<void> {
    const { assembly, inputName } = this.#parts;
    assembly.push(inputName, element);
    while (assembly.resume()) await nextTurn();
  }

  #barrier(): Barrier {
    const barrier: Barrier = {
      kind: 'barrier',
      watermark: NO_WATERMARK,
      unassigned: 0,
      refired: 0,
    };
    this.#parts.assembly.push(this.#parts.inputName, barrier);
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
