import type { RecordChunk, TopicPartition } from '../log/log.ts';
import { InputMerge, type MergeBounds, type Merged, type SavedMerge } from '../topology/inputs/merge.ts';
import { type RejectedInput, RejectedInputs } from './rejectedInputs.ts';
import type { TaskInput, TaskInputs } from './taskInputs.ts';

/** Most records that go through the topology at a time. */
export const MOST_MERGED = 8_192;

/** Several inputs, their records in an order that depends on nothing but the records and recorded controls. */
export class MergedInputs implements TaskInputs {
  readonly all: readonly TaskInput[];
  readonly places: readonly TopicPartition[];
  readonly #merge: InputMerge;
  readonly #readTo: number[];
  readonly #rejected = new RejectedInputs();
  readonly #isActive: boolean[];

  constructor(all: readonly TaskInput[], bounds: MergeBounds, offsets: readonly number[]) {
    this.all = all;
    this.places = all.map(({ place }) => place);
    this.#readTo = [...offsets];
    this.#isActive = all.map(() => true);
    const strategies = all.map(({ watermark }) => watermark);
    this.#merge = new InputMerge(strategies, bounds);
  }

  get position(): number {
    return this.#merge.arrivals;
  }

  get offsets(): readonly number[] {
    return this.#readTo.map((readTo, input) => this.#merge.nextOffset(input) ?? readTo);
  }

  get readTo(): readonly number[] {
    return this.#readTo;
  }

  async offer(records: RecordChunk): Promise<void> {
    const input = this.all.findIndex(({ place }) => place.topic === records.topic);
    const { chunk, rejected } = await (this.all[input] as TaskInput).stage.accept(records);
    this.#merge.offer(input, chunk);
    this.#rejected.add(input, rejected);
    this.#readTo[input] = records.nextOffset;
  }

  skipTo(place: number, offset: number): void {
    this.#readTo[place] = Math.max(this.#readTo[place] as number, offset);
  }

  next(upTo: number): readonly Merged[] | null {
    return this.#merge.next(Math.min(MOST_MERGED, upTo - this.position));
  }

  takeRejected(): readonly RejectedInput[] {
    return this.#rejected.isEmpty ? [] : this.#rejected.take(this.offsets);
  }

  isPaused(place: number): boolean {
    return this.#merge.paused(place);
  }

  rereadFrom(): null {
    return null;
  }

  hasRested(): null {
    return null;
  }

  hasBuffered(input: number): boolean {
    return this.#merge.nextOffset(input) !== null;
  }

  isActive(input: number): boolean {
    return this.#isActive[input] === true;
  }

  setActive(input: number, isActive: boolean): void {
    this.#isActive[input] = isActive;
    if (isActive) this.#merge.active(input);
    else this.#merge.idle(input);
  }

  snapshot(): SavedMerge {
    return this.#merge.snapshot();
  }

  restore(saved: unknown): void {
    const merge = saved as SavedMerge;
    this.#merge.restore(merge);
    merge.inactive.forEach((inactive, input) => {
      this.#isActive[input] = inactive === 0;
    });
  }
}
