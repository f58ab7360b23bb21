import { MICROS_PER_MS } from '../../core/time.ts';
import { chunkSlice } from '../chunkSlice.ts';
import { type Activity, type Chunk, NO_WATERMARK } from '../elements.ts';
import { ascending } from '../watermarks/ascending.ts';
import { type WatermarkStrategy, watermarkPath } from '../watermarks/strategy.ts';

/** How far an input may be read ahead of the merge, at whichever bound is met first. */
export interface MergeBounds {
  /** Between the event times, by its own watermark, of what is next and what was read last. */
  readonly maxSkewMs: number;
  readonly maxBufferedRecords: number;
}

/** What goes into an input of the topology next. */
export interface Merged {
  /** Its index in the list that the merge was made with. */
  readonly input: number;
  readonly element: Chunk | Activity;
}

/** What a merge has to know besides the positions of its inputs, as plain data. */
export interface SavedMerge {
  readonly arrivals: number;
  readonly watermarks: Float64Array;
  /** 1 where the input is idle or has ended. */
  readonly inactive: Uint8Array;
}

interface Buffered {
  readonly chunk: Chunk;
  /** The input's own watermark before each record, and after the last. */
  readonly path: Float64Array;
  /** The first record that is not taken yet. */
  at: number;
}

interface MergeInput {
  readonly strategy: WatermarkStrategy;
  readonly buffered: Buffered[];
  records: number;
  /** Its own, after the last record taken and after the last one offered. */
  watermark: number;
  offeredWatermark: number;
  isActive: boolean;
  hasEnded: boolean;
}

/**
 * Brings the records of several inputs into one order that depends on nothing but the records: first goes the input whose next
 * record leaves the lowest watermark of its own; ties by the order of the list (as declared, then by partition). So it has
 * to wait until each input has a record, has ended or is idle. Pure: no clock, no log.
 */
export class InputMerge {
  readonly #inputs: readonly MergeInput[];
  readonly #maxSkewMicros: number;
  readonly #maxBufferedRecords: number;
  readonly #changes: Merged[] = [];
  #arrivals = 0;

  /** @param strategies how the watermark of each input moves; where none of its records move it, event time gives the order */
  constructor(strategies: readonly WatermarkStrategy[], { maxSkewMs, maxBufferedRecords }: MergeBounds) {
    this.#maxSkewMicros = maxSkewMs * MICROS_PER_MS;
    this.#maxBufferedRecords = maxBufferedRecords;
    this.#inputs = strategies.map((strategy) => ({
      strategy: strategy.delayMicros === Number.POSITIVE_INFINITY ? ascending() : strategy,
      buffered: [],
      records: 0,
      watermark: NO_WATERMARK,
      offeredWatermark: NO_WATERMARK,
      isActive: true,
      hasEnded: false,
    }));
  }

  /** Records taken so far: the place of the next one in the merged order. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** The lowest watermark of the inputs that are active, as of the last record taken. */
  get watermark(): number {
    const active = this.#inputs.filter(({ isActive }) => isActive);
    return active.length === 0 ? NO_WATERMARK : Math.min(...active.map(({ watermark }) => watermark));
  }

  /** Offset of the input's first record that is not taken yet; null when there is none here. */
  nextOffset(input: number): number | null {
    const first = this.#input(input).buffered[0];
    return first === undefined ? null : (first.chunk.offsets[first.at] as number);
  }

  /** Whether enough of the input was read ahead, for now. */
  paused(input: number): boolean {
    const { buffered, records, offeredWatermark } = this.#input(input);
    const first = buffered[0];
    if (first === undefined) return false;
    const next = first.path[first.at + 1] as number;
    return records >= this.#maxBufferedRecords || offeredWatermark - next > this.#maxSkewMicros;
  }

  /** Takes in records that follow those offered before. */
  offer(input: number, chunk: Chunk): void {
    const to = this.#input(input);
    const count = chunk.columns.length;
    if (count === 0) return;
    const path = watermarkPath(chunk, to.strategy, to.offeredWatermark);
    to.buffered.push({ chunk, path, at: 0 });
    to.records += count;
    to.offeredWatermark = path[count] as number;
  }

  /** No more records come; those offered are still taken. */
  end(input: number): void {
    const ended = this.#input(input);
    ended.hasEnded = true;
    if (ended.records === 0) this.#setActive(input, false);
  }

  /** From here on the input holds nothing back, and none of its records is taken, until it is active again. */
  idle(input: number): void {
    this.#setActive(input, false);
  }

  /** Takes back that the input is idle; one that has ended and has nothing left stays inactive. */
  active(input: number): void {
    const { hasEnded, records } = this.#input(input);
    if (!hasEnded || records > 0) this.#setActive(input, true);
  }

  /**
   * What comes next: parts of chunks, of one input each, whose arrivals interleave; or that an input became idle or active.
   * Null while it has to wait.
   * @param maxRecords at most so many; where a recorded control applies, as many as lie before it
   */
  next(maxRecords: number): readonly Merged[] | null {
    const change = this.#changes.shift();
    if (change !== undefined) return [change];
    const places = this.#inputs.map((): number[] => []);
    const parts: Merged[] = [];
    for (let taken = 0; taken < maxRecords; ) {
      const index = this.#lowest();
      if (index === -1) break;
      const input = this.#inputs[index] as MergeInput;
      taken += this.#take(index, input, places[index] as number[], maxRecords - taken);
      const first = input.buffered[0] as Buffered;
      if (first.at === first.chunk.columns.length) parts.push(this.#useUp(index, input, places[index] as number[]));
      // One part of an input at a time: a step frees what an earlier chunk alone refers to when the next one comes.
      if (this.#changes.length > 0 || parts.length > 0) break;
    }
    this.#inputs.forEach((input, index) => {
      const first = input.buffered[0];
      const arrivals = places[index] as number[];
      if (first !== undefined && arrivals.length > 0) parts.push(partUpTo(index, first, arrivals));
    });
    parts.sort((a, b) => a.input - b.input);
    return parts.length === 0 ? null : parts;
  }

  snapshot(): SavedMerge {
    return {
      arrivals: this.#arrivals,
      watermarks: Float64Array.from(this.#inputs, ({ watermark }) => watermark),
      inactive: Uint8Array.from(this.#inputs, ({ isActive }) => (isActive ? 0 : 1)),
    };
  }

  /** Goes on from a snapshot; the inputs are read again from the first records that were not taken. */
  restore({ arrivals, watermarks, inactive }: SavedMerge): void {
    this.#arrivals = arrivals;
    this.#inputs.forEach((input, index) => {
      input.watermark = watermarks[index] as number;
      input.offeredWatermark = input.watermark;
      input.isActive = inactive[index] === 0;
    });
  }

  /** The input to take a record of; -1 while some active input has none. */
  #lowest(): number {
    let lowest = -1;
    let lowestWatermark = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#inputs.length; index++) {
      const { isActive, buffered } = this.#inputs[index] as MergeInput;
      if (!isActive) continue;
      const first = buffered[0];
      if (first === undefined) return -1;
      const watermark = first.path[first.at + 1] as number;
      if (lowest === -1 || watermark < lowestWatermark) {
        lowest = index;
        lowestWatermark = watermark;
      }
    }
    return lowest;
  }

  /** Takes records of the input's first chunk, at least the next one, for as long as it is the input to take from. */
  #take(index: number, input: MergeInput, arrivals: number[], mostRecords: number): number {
    const first = input.buffered[0] as Buffered;
    const { path } = first;
    const end = Math.min(first.chunk.columns.length, first.at + mostRecords);
    const [lowestBefore, lowestAfter] = this.#lowestOfOthers(index);
    const from = first.at;
    let at = from;
    do {
      arrivals.push(this.#arrivals++);
      at++;
    } while (at < end && (path[at + 1] as number) < lowestBefore && (path[at + 1] as number) <= lowestAfter);
    first.at = at;
    input.records -= at - from;
    input.watermark = path[at] as number;
    return at - from;
  }

  /** The lowest watermark that the next records of active inputs leave, of those before an input and of those after it. */
  #lowestOfOthers(index: number): readonly [number, number] {
    let before = Number.POSITIVE_INFINITY;
    let after = Number.POSITIVE_INFINITY;
    for (let other = 0; other < this.#inputs.length; other++) {
      const { isActive, buffered } = this.#inputs[other] as MergeInput;
      const first = buffered[0];
      if (other === index || !isActive || first === undefined) continue;
      const watermark = first.path[first.at + 1] as number;
      if (other < index) before = Math.min(before, watermark);
      else after = Math.min(after, watermark);
    }
    return [before, after];
  }

  /** The last part of a chunk, all of whose records are taken. */
  #useUp(index: number, input: MergeInput, arrivals: number[]): Merged {
    const part = partUpTo(index, input.buffered[0] as Buffered, arrivals);
    arrivals.length = 0;
    input.buffered.shift();
    if (input.hasEnded && input.records === 0) this.#setActive(index, false);
    return part;
  }

  #setActive(index: number, isActive: boolean): void {
    const input = this.#input(index);
    if (input.isActive === isActive) return;
    input.isActive = isActive;
    this.#changes.push({ input: index, element: { kind: 'activity', isActive } });
  }

  #input(index: number): MergeInput {
    const input = this.#inputs[index];
    if (input === undefined)
      throw new RangeError(`the merge has ${this.#inputs.length} inputs, none is number ${index}`);
    return input;
  }
}

/** The records of a chunk that the given arrivals were given to: those before the first that is not taken. */
function partUpTo(input: number, { chunk, at }: Buffered, arrivals: readonly number[]): Merged {
  return { input, element: chunkSlice(chunk, at - arrivals.length, at, Float64Array.from(arrivals)) };
}
