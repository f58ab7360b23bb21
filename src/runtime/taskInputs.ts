import type { PartitionRange, RecordChunk, TopicPartition } from '../log/log.ts';
import { chunkSlice } from '../topology/chunkSlice.ts';
import type { Chunk } from '../topology/elements.ts';
import type { Merged } from '../topology/inputs/merge.ts';
import type { WatermarkStrategy } from '../topology/watermarks/strategy.ts';
import type { InputStage } from './inputStage.ts';
import { type RejectedInput, RejectedInputs } from './rejectedInputs.ts';

/** One input of a task. */
export interface TaskInput {
  /** The topology's name for it. */
  readonly name: string;
  readonly place: TopicPartition;
  readonly watermark: WatermarkStrategy;
  readonly stage: InputStage;
  /** Of a repartition topic: the upstream partition whose records are this input's; null for a topic that is read whole. */
  readonly upstream: number | null;
}

/**
 * The records of a task's inputs in the one order in which it takes them. Its place in that order is a number: the offset where
 * there is one input, and how many records were taken where there are several.
 */
export interface TaskInputs {
  readonly all: readonly TaskInput[];
  /** The partitions that they are read from: one each, but for the sub-streams of a repartition topic. */
  readonly places: readonly TopicPartition[];
  /** The place of what is next. */
  readonly position: number;
  /** By partition read, the offset of its first record that was not taken. */
  readonly offsets: readonly number[];
  /** By partition read, the next offset to read. */
  readonly readTo: readonly number[];
  /** Takes in records that follow those before. Nothing of them lies in the chunk's buffers afterwards. */
  offer(records: RecordChunk): Promise<void>;
  /** There is no record of a partition below an offset. */
  skipTo(place: number, offset: number): void;
  /** What comes next, up to a place; null while it has to wait, or when that place is reached. */
  next(upTo: number): readonly Merged[] | null;
  /** Rejected records below the offsets that are passed by now. */
  takeRejected(): readonly RejectedInput[];
  /** Whether enough of a partition was read ahead. */
  isPaused(place: number, ends: readonly PartitionRange[] | null): boolean;
  /** Where a partition has to be read again from, since records of it were passed over; null where none were. */
  rereadFrom(place: number): number | null;
  /**
   * Whether the task that writes an input has said that it has nothing more, up to these ends or at all; null for an input that
   * no task writes.
   */
  hasRested(input: number, ends: readonly PartitionRange[] | null): boolean | null;
  hasBuffered(input: number): boolean;
  isActive(input: number): boolean;
  setActive(input: number, isActive: boolean): void;
  /** What is to be known besides offsets. */
  snapshot(): unknown;
  restore(saved: unknown): void;
}

/** One input: its records as they come. */
export class OneInput implements TaskInputs {
  readonly all: readonly TaskInput[];
  readonly places: readonly TopicPartition[];
  readonly #input: TaskInput;
  #chunk: Chunk | null = null;
  #at = 0;
  #position: number;
  #readTo: number;
  readonly #rejected = new RejectedInputs();

  constructor(input: TaskInput, offset: number) {
    this.all = [input];
    this.places = [input.place];
    this.#input = input;
    this.#position = offset;
    this.#readTo = offset;
  }

  get position(): number {
    return this.#position;
  }

  get offsets(): readonly number[] {
    return [this.#position];
  }

  get readTo(): readonly number[] {
    return [this.#readTo];
  }

  async offer(records: RecordChunk): Promise<void> {
    const { chunk, rejected } = await this.#input.stage.accept(records);
    this.#chunk = chunk.columns.length === 0 ? null : chunk;
    this.#at = 0;
    this.#rejected.add(0, rejected);
    this.#readTo = records.nextOffset;
  }

  skipTo(_place: number, offset: number): void {
    this.#readTo = Math.max(this.#readTo, offset);
  }

  next(upTo: number): readonly Merged[] | null {
    const chunk = this.#chunk;
    const from = this.#at;
    const count = chunk?.columns.length ?? 0;
    let to = from;
    if (chunk !== null) {
      const { offsets } = chunk;
      to = (offsets[count - 1] as number) < upTo ? count : from;
      while (to < count && (offsets[to] as number) < upTo) to++;
    }
    this.#at = to;
    this.#position = Math.max(this.#position, Math.min(upTo, this.#readTo));
    if (chunk === null || to === from) return null;
    if (to === count) this.#chunk = null;
    return [{ input: 0, element: chunkSlice(chunk, from, to, chunk.arrivals.subarray(from, to)) }];
  }

  takeRejected(): readonly RejectedInput[] {
    return this.#rejected.isEmpty ? [] : this.#rejected.take([this.#position]);
  }

  isPaused(): boolean {
    return false;
  }

  rereadFrom(): null {
    return null;
  }

  hasRested(): null {
    return null;
  }

  hasBuffered(): boolean {
    return this.#chunk !== null;
  }

  isActive(): boolean {
    return true;
  }

  setActive(): void {
    throw new RangeError('one input is always active');
  }

  snapshot(): null {
    return null;
  }

  restore(): void {}
}
