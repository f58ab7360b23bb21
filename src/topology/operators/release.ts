import type { Chunk, Progress } from '../elements.ts';

/** Rows of a chunk that came in time, and those that the watermark had passed already. */
export interface Sorted {
  readonly inTime: Int32Array;
  readonly late: Int32Array;
  /** The watermark that each late row met. */
  readonly lateWatermarks: Float64Array;
}

/** Tells the late rows of a chunk: those at or before the watermark in force before they came. */
export function sortLate(
  { timesMicros, arrivals }: Chunk,
  { arrivals: at, watermarks }: Progress,
  before: number,
): Sorted {
  const inTime = new Int32Array(timesMicros.length);
  const late: number[] = [];
  const met: number[] = [];
  let count = 0;
  let step = 0;
  let watermark = before;
  for (let i = 0; i < timesMicros.length; i++) {
    const arrival = Math.floor(arrivals[i] as number);
    while (step < at.length && (at[step] as number) < arrival) watermark = watermarks[step++] as number;
    if ((timesMicros[i] as number) > watermark) {
      inTime[count++] = i;
    } else {
      late.push(i);
      met.push(watermark);
    }
  }
  return { inTime: inTime.subarray(0, count), late: Int32Array.from(late), lateWatermarks: Float64Array.from(met) };
}

/** Where in the sequence rows came out. */
export interface ReleaseMarks {
  /** The watermark in force before each row. */
  readonly watermarks: Float64Array;
  /**
   * The arrival that raised the watermark to the row, and a fraction that tells the rows apart which it let out: what comes
   * after them breaks ties by arrival, and key ids must not decide there.
   */
  readonly arrivals: Float64Array;
}

/**
 * Marks rows that the steps of a watermark released: each came out at the first step that reached its time.
 * @param timesMicros ascending, none above the last step
 */
export function markReleased(timesMicros: Float64Array, steps: Progress, before: number): ReleaseMarks {
  const watermarks = new Float64Array(timesMicros.length);
  const arrivals = new Float64Array(timesMicros.length);
  let step = 0;
  let together = 0;
  for (let i = 0; i < timesMicros.length; i++) {
    const arrival = steps.arrivals[step];
    while ((steps.watermarks[step] as number) < (timesMicros[i] as number)) step++;
    together = steps.arrivals[step] === arrival ? together : 0;
    watermarks[i] = step === 0 ? before : (steps.watermarks[step - 1] as number);
    arrivals[i] = arrivalAmong(steps.arrivals[step] as number, together++);
  }
  return { watermarks, arrivals };
}

/** Fractions of an arrival: below 2^33 arrivals a double holds them exactly. */
const FRACTIONS = 2 ** 20;

/** The arrival of the nth of several rows that came out after one record. */
export function arrivalAmong(arrival: number, nth: number): number {
  return arrival + Math.min(nth, FRACTIONS - 1) / FRACTIONS;
}
