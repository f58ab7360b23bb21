import type { RejectedRecord } from './outbox.ts';

/** A record that could not be used, and the place that it was read from. */
export interface RejectedInput {
  readonly place: number;
  readonly record: RejectedRecord;
}

/** Records that could not be decoded, until the records around them have been taken in: their dead letters go with these. */
export class RejectedInputs {
  #waiting: RejectedInput[] = [];

  add(place: number, records: readonly RejectedInput['record'][]): void {
    this.#waiting.push(...records.map((record) => ({ place, record })));
  }

  /** Those that lie before the offsets of their places. */
  take(offsets: readonly number[]): readonly RejectedInput[] {
    const isPassed = ({ place, record }: RejectedInput): boolean => record.offset < (offsets[place] as number);
    const passed = this.#waiting.filter(isPassed);
    this.#waiting = this.#waiting.filter((each) => !isPassed(each));
    return passed;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }
}
