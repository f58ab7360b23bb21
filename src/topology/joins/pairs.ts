import type { Columns } from '../../core/columns.ts';
import type { KeyTable } from '../../core/keyTable.ts';
import type { Element, Progress } from '../elements.ts';
import { markReleased } from '../operators/release.ts';

/** Most rows that one emitted chunk carries. */
const MAX_ROWS_PER_CHUNK = 8_192;

/** Pairs of rows in the order in which they come out, until they are made into chunks. */
export class Pairs {
  readonly #keys: KeyTable;
  readonly #holdBackMicros: number;
  readonly #emit: (element: Element) => void;
  readonly #columnsOf: (leftSlots: Int32Array, rightSlots: Int32Array) => Columns;
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #keyIds: number[] = [];
  readonly #times: number[] = [];
  readonly #laterTimes: number[] = [];
  readonly #arrivals: number[] = [];
  readonly #offsets: number[] = [];

  /** @param holdBackMicros how far the pairs' event time may be behind the later of the two */
  constructor(
    keys: KeyTable,
    holdBackMicros: number,
    emit: (element: Element) => void,
    columnsOf: (leftSlots: Int32Array, rightSlots: Int32Array) => Columns,
  ) {
    this.#keys = keys;
    this.#holdBackMicros = holdBackMicros;
    this.#emit = emit;
    this.#columnsOf = columnsOf;
  }

  /**
   * @param time the left row's, as is the offset
   * @param laterTime the event time of the later of the two; ascending
   * @param arrival of the one that came out last
   */
  add(
    left: number,
    right: number,
    keyId: number,
    time: number,
    offset: number,
    laterTime: number,
    arrival: number,
  ): void {
    this.#left.push(left);
    this.#right.push(right);
    this.#keyIds.push(keyId);
    this.#times.push(time);
    this.#offsets.push(offset);
    this.#laterTimes.push(laterTime);
    this.#arrivals.push(arrival);
  }

  /** @param steps that released them; null for a flush, which leaves the watermark */
  emit(steps: Progress | null, watermarkBefore: number): void {
    const count = this.#left.length;
    const laterTimes = Float64Array.from(this.#laterTimes);
    const marks =
      steps === null
        ? {
            watermarks: new Float64Array(count).fill(watermarkBefore),
            arrivals: Float64Array.from(this.#arrivals),
          }
        : markReleased(laterTimes, steps, watermarkBefore);
    const lower = (watermark: number) => watermark - this.#holdBackMicros;
    const watermarks = marks.watermarks.map(lower);
    const watermarkAfter = lower(steps?.watermarks.at(-1) ?? watermarkBefore);
    const progress =
      steps === null ? {} : { progress: { arrivals: steps.arrivals, watermarks: steps.watermarks.map(lower) } };
    for (let from = 0; from === 0 || from < count; from += MAX_ROWS_PER_CHUNK) {
      const to = Math.min(count, from + MAX_ROWS_PER_CHUNK);
      const isLast = to === count;
      this.#emit({
        kind: 'chunk',
        columns: this.#columnsOf(
          Int32Array.from(this.#left.slice(from, to)),
          Int32Array.from(this.#right.slice(from, to)),
        ),
        offsets: Float64Array.from(this.#offsets.slice(from, to)),
        arrivals: marks.arrivals.subarray(from, to),
        timesMicros: Float64Array.from(this.#times.slice(from, to)),
        watermarks: watermarks.subarray(from, to),
        watermarkAfter: isLast ? watermarkAfter : (watermarks[to] as number),
        ...(isLast ? progress : {}),
        keys: this.#keys,
        keyIds: Int32Array.from(this.#keyIds.slice(from, to)),
      });
    }
  }
}
