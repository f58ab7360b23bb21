import { setImmediate as nextTurn } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { RecordChunk, TopicPartition, Transaction } from '../log/log.ts';
import { type Barrier, type Element, NO_WATERMARK, newBarrier } from '../topology/elements.ts';
import type { Merged } from '../topology/inputs/merge.ts';
import type { ControlRecord } from './outbox.ts';
import type { RecordedControl } from './recordedControls.ts';
import type { TaskInput, TaskInputs } from './taskInputs.ts';
import type { SavedTask, TaskParts } from './taskParts.ts';
import { finite, formatMark } from './taskPosition.ts';

/**
 * One partition of a topology: the unit of state and recovery. Results, control records and the position that they bring
 * the task to are committed in one transaction. State at a position is a pure function of what lies before it, so snapshots are
 * written outside that transaction; after a restart the newest is taken, and the records since are read again.
 */
export class Task {
  readonly partition: number;
  readonly inputs: TaskInputs;
  readonly #parts: TaskParts;
  #controlSequence: number;
  readonly #toRepeat: RecordedControl[];
  #committed: number;
  #committedOffsets: readonly number[];
  #uncommittedRecords = 0;
  #newRecords = 0;
  /** Unassigned records that the re-read met, and those of all that was committed. */
  #unassignedBefore: number | null = null;
  #unassigned = 0;
  #uncommittedSince: number | null = null;
  #hasControl = false;
  /** Where the next stage was told last that there is nothing more; null before. */
  #restedAt: readonly number[] | null = null;
  #maxEventTime: number;
  #controlEnd: number;
  /** Where the newest snapshot is of, or where the state began. */
  #saved: { readonly position: number; readonly controlSequence: number };

  private constructor(parts: TaskParts) {
    const { start, inputs, partition } = parts;
    this.#parts = parts;
    this.partition = partition;
    this.inputs = inputs;
    this.#committed = start.position;
    this.#committedOffsets = start.offsets;
    this.#controlSequence = start.controlSequence;
    this.#maxEventTime = start.maxEventTime;
    this.#toRepeat = [...start.controls];
    this.#controlEnd = start.controlEnd;
    this.#saved = start.from;
  }

  /** A task with the state of where it reads from. */
  static async open(parts: TaskParts): Promise<Task> {
    const task = new Task(parts);
    const { state, watermark } = parts.start.from;
    if (state !== null) {
      const { steps, inputs } = deserialize(state) as SavedTask;
      parts.assembly.restore(steps);
      parts.inputs.restore(inputs);
    } else if (watermark !== NO_WATERMARK) await task.#pushToAll({ kind: 'watermark', tsMicros: watermark });
    await task.#repeatControls();
    return task;
  }

  /** The place of its next record: the offset where it has one input. Below the committed one while it reads again. */
  get position(): number {
    return this.inputs.position;
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

  get isRereading(): boolean {
    return this.position < this.#committed || this.#toRepeat.length > 0;
  }

  /** Processes records that follow those before. The chunk's buffers are free for reuse when this resolves. */
  async take(records: RecordChunk): Promise<void> {
    const { now, schedule } = this.#parts;
    const begunMs = now();
    await this.inputs.offer(records);
    await this.#processAll();
    schedule.worked(records.count, now() - begunMs);
  }

  /** Moves on over offsets that hold no record: the markers that end a broker's transactions, and holes. */
  async skipTo(place: number, offset: number): Promise<void> {
    if (offset <= (this.inputs.readTo[place] as number)) return;
    this.inputs.skipTo(place, offset);
    await this.#processAll();
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
    const { outbox } = this.#parts;
    const before = outbox.written;
    await this.#pushToAll({ kind: 'flush' });
    if (outbox.written > before) this.#recordControl('flush', this.#first);
  }

  /** Repeats a control of the base here. It is recorded in any case: results outside the range are computed, not written. */
  async repeat({ kind, quiet }: Pick<RecordedControl, 'kind' | 'quiet'>): Promise<void> {
    if (kind === 'wallClock') return this.moveWallClock(quiet ?? 0);
    await this.#pushToAll({ kind: 'flush' });
    this.#recordControl('flush', this.#first);
  }

  /** Whether something waits for a watermark that the wall clock has reached: with no record for so long. */
  hasWaitedFor(quietMicros: number): boolean {
    return this.#barrier().quietNeeded <= quietMicros;
  }

  /** Moves the watermarks to where the records left them and so much further, and records that. */
  async moveWallClock(quietMicros: number): Promise<void> {
    // A replay that begins here has to find where the records left the watermark.
    if (this.#hasMoved) await this.commit();
    await this.#pushWallClock(quietMicros);
    this.#restedAt = null;
    this.#recordControl('wallClock', this.#first, quietMicros);
  }

  /** Says, and records, that an input holds the others back no more, or that it does again; `proceed` follows. */
  async setActive(input: number, isActive: boolean): Promise<void> {
    this.inputs.setActive(input, isActive);
    await this.#processUpTo(this.position);
    this.#recordControl(isActive ? 'active' : 'idle', this.inputs.all[input] as TaskInput);
  }

  /** True when the next stage has yet to be told that there is nothing more up to here. */
  get canRest(): boolean {
    const { offsets } = this.inputs;
    return this.#parts.feedsStage && !offsets.every((offset, place) => offset === this.#restedAt?.[place]);
  }

  /** Tells the next stage that there is nothing more up to here: its records say so themselves, so that nothing else is recorded. */
  async rest(): Promise<void> {
    this.#restedAt = [...this.inputs.offsets];
    this.#parts.assembly.rest(this.#restedAt);
    this.#hasControl = true;
    await this.commit();
  }

  /** Processes what nothing holds back any more. */
  proceed(): Promise<void> {
    return this.#processAll();
  }

  /** From here on nobody else writes any of the results. */
  writeEverything(): void {
    this.#parts.outbox.range = null;
  }

  /** Writes what has come out, and the position, in one transaction. Does nothing when nothing has changed. */
  async commit(): Promise<void> {
    const { writer, outbox, controlTopic, schedule, now, onCommit } = this.#parts;
    if (this.position < this.#committed || (!this.#hasMoved && !this.#hasControl)) return;
    const barrier = this.#barrier();
    this.#addControl('commit', this.#first, barrier);
    const begunMs = now();
    const appended = await writer.commit({ appends: outbox.take(), positions: [this.#place(barrier)] });
    onCommit(now() - begunMs);
    this.#controlEnd = appended.find(({ topic }) => topic === controlTopic)?.nextOffset ?? this.#controlEnd;
    this.#unassigned = barrier.unassigned - (this.#unassignedBefore ?? barrier.unassigned);
    this.#committed = this.position;
    this.#committedOffsets = [...this.inputs.offsets];
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
    const isSaved = this.#saved.position === this.position && this.#saved.controlSequence === this.#controlSequence;
    if (this.isRereading || isSaved) return;
    await this.#takeSnapshot();
    await this.#parts.writer.commit({ appends: [], positions: [this.#place(this.#barrier())] });
  }

  async close(): Promise<void> {
    this.#parts.assembly.close();
    await this.#parts.writer.close();
  }

  get #first(): TaskInput {
    return this.inputs.all[0] as TaskInput;
  }

  get #hasMoved(): boolean {
    if (this.position > this.#committed) return true;
    return this.inputs.offsets.some((offset, place) => offset > (this.#committedOffsets[place] as number));
  }

  async #takeSnapshot(): Promise<void> {
    const { assembly, inputs, snapshots, schedule, now } = this.#parts;
    const begunMs = now();
    const at = { position: this.position, controlSequence: this.#controlSequence };
    const saved: SavedTask = { steps: assembly.snapshot(), inputs: inputs.snapshot() };
    await snapshots.write(serialize(saved), { ...at, offsets: inputs.offsets, controlOffset: this.#controlEnd });
    this.#saved = at;
    schedule.taken(now() - begunMs);
  }

  #place({ watermark, recordWatermark }: Barrier): Transaction['positions'][number] {
    const { group, inputs, start, snapshots, fingerprint, partitions } = this.#parts;
    const metadata = formatMark({
      fingerprint,
      partitions,
      position: this.position,
      controlSequence: this.#controlSequence,
      watermark,
      recordWatermark,
      maxEventTime: this.#maxEventTime,
      began: start.began,
      snapshots: snapshots.pointers,
    });
    const offsets = inputs.offsets;
    // A log has no offsets below zero; the mark holds the place in the history.
    const positions = inputs.places.map((place, i) => {
      return { ...place, offset: Math.max(0, offsets[i] as number), metadata };
    });
    return { group, positions };
  }

  /** Processes what is there, repeating recorded controls in between. */
  async #processAll(): Promise<void> {
    for (let before = Number.NEGATIVE_INFINITY; before < this.position; ) {
      before = this.position;
      await this.#repeatControls();
      await this.#processUpTo(this.#boundary);
    }
    this.#takeRejected();
    if (this.#hasMoved) this.#uncommittedSince ??= this.#parts.now();
  }

  async #processUpTo(place: number): Promise<void> {
    const isNew = this.position >= this.#committed;
    for (let parts = this.inputs.next(place); parts !== null; parts = this.inputs.next(place)) {
      const records = parts.reduce((sum, { element }) => sum + countOf(element), 0);
      if (isNew && records > 0) {
        this.#unassignedBefore ??= this.#barrier().unassigned;
        this.#uncommittedRecords += records;
        this.#newRecords += records;
      }
      await this.#process(parts, !isNew);
    }
  }

  async #process(parts: readonly Merged[], isMuted: boolean): Promise<void> {
    const { assembly, outbox } = this.#parts;
    outbox.muted = isMuted;
    for (const { input, element } of parts) {
      if (element.kind === 'chunk') this.#maxEventTime = latest(element.timesMicros, this.#maxEventTime);
      assembly.push((this.inputs.all[input] as TaskInput).name, element);
    }
    await this.#drain();
    outbox.muted = false;
  }

  #takeRejected(): void {
    for (const { place, record } of this.inputs.takeRejected()) {
      if (record.offset < (this.#committedOffsets[place] as number)) continue;
      this.#newRecords++;
      this.#uncommittedRecords++;
      this.#parts.outbox.addRejected(this.inputs.places[place] as TopicPartition, record);
    }
  }

  /** Where processing must stop: at a recorded control, or at the end of what was committed. */
  get #boundary(): number {
    const control = this.#toRepeat[0]?.position ?? Number.POSITIVE_INFINITY;
    const committed = this.position < this.#committed ? this.#committed : Number.POSITIVE_INFINITY;
    return Math.min(control, committed);
  }

  async #repeatControls(): Promise<void> {
    for (let next = this.#toRepeat[0]; next !== undefined && next.position <= this.position; next = this.#toRepeat[0]) {
      this.#toRepeat.shift();
      const { kind, topic, upstream, quiet } = next;
      if (kind === 'flush' || kind === 'wallClock') {
        this.#parts.outbox.muted = true;
        await (kind === 'flush' ? this.#pushToAll({ kind }) : this.#pushWallClock(quiet ?? 0));
        this.#parts.outbox.muted = false;
        continue;
      }
      const input = this.inputs.all.findIndex((each) => each.place.topic === topic && each.upstream === upstream);
      this.inputs.setActive(input, kind === 'active');
      for (let parts = this.inputs.next(this.position); parts !== null; parts = this.inputs.next(this.position)) {
        await this.#process(parts, true);
      }
    }
  }

  #pushWallClock(quietMicros: number): Promise<void> {
    return this.#pushToAll({ kind: 'wallClock', quietMicros, tsMicros: NO_WATERMARK });
  }

  async #pushToAll(element: Element): Promise<void> {
    for (const { name } of this.inputs.all) this.#parts.assembly.push(name, element);
    await this.#drain();
  }

  /** All that comes out is out when this resolves; a long firing leaves the event loop its turns. */
  async #drain(): Promise<void> {
    while (this.#parts.assembly.resume()) await nextTurn();
  }

  #barrier(): Barrier {
    const barrier = newBarrier();
    for (const { name } of this.inputs.all) this.#parts.assembly.push(name, barrier);
    return barrier;
  }

  #recordControl(kind: Exclude<ControlRecord['kind'], 'commit'>, input: TaskInput, quiet: number | null = null): void {
    this.#controlSequence++;
    this.#hasControl = true;
    this.#uncommittedSince ??= this.#parts.now();
    this.#addControl(kind, input, this.#barrier(), quiet);
  }

  #addControl(
    kind: ControlRecord['kind'],
    { place, upstream }: TaskInput,
    barrier: Barrier,
    quiet: number | null = null,
  ): void {
    this.#parts.outbox.addControl({
      kind,
      topic: place.topic,
      upstream: kind === 'idle' || kind === 'active' ? upstream : null,
      position: this.position,
      controlSequence: this.#controlSequence,
      watermark: finite(barrier.watermark),
      maxEventTime: finite(this.#maxEventTime),
      quiet,
    });
  }
}

function countOf(element: Merged['element']): number {
  return element.kind === 'chunk' ? element.columns.length : 0;
}

function latest(timesMicros: Float64Array, soFar: number): number {
  let max = soFar;
  for (let i = 0; i < timesMicros.length; i++) if ((timesMicros[i] as number) > max) max = timesMicros[i] as number;
  return max;
}
