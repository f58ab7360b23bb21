import { Observable, type Subscriber } from 'rxjs';
import type { KeyTable } from '../../core/keyTable.ts';
import {
  type Barrier,
  type Chunk,
  type Element,
  type Explain,
  type Flush,
  NO_WATERMARK,
  noteWaiting,
  type Progress,
  type Restore,
  type Resume,
  type Shape,
  type Snapshot,
  type Stream,
  type WallClock,
} from '../elements.ts';
import { CombinedWatermark, type SavedWatermark } from './combinedWatermark.ts';

/** What came on both sides between two points at which both are complete. */
export interface Batch {
  readonly left: readonly Chunk[];
  readonly right: readonly Chunk[];
  /** The combined watermark before the batch, and how it rose. */
  readonly watermarkBefore: number;
  readonly steps: Progress;
}

/** What an operator over two streams does; how the streams are brought together is the same for all. */
export interface TwoInputStep {
  shape(left: Shape, right: Shape): Shape;
  process(batch: Batch): void;
  /** Hands out what waits for the watermark. */
  flush(watermark: number): void;
  snapshot(): unknown;
  restore(part: unknown): void;
  /** Rows that wait for the watermark, and the event time of the first of them; infinity without one. */
  readonly waiting: number;
  readonly nextMicros: number;
  /** Of the stream that comes out; null where it has no key. */
  readonly keys: KeyTable | null;
}

/** Elements that are pushed into every input, so that they come once on each side. */
type Broadcast = Barrier | Explain | Flush | Resume | Restore | Snapshot | WallClock;

interface SavedStep {
  readonly watermark: SavedWatermark;
  readonly lastArrival: number;
  readonly part: unknown;
}

const NO_PROGRESS: Progress = { arrivals: new Float64Array(0), watermarks: new Float64Array(0) };

/**
 * Brings two streams together. Chunks wait until an element comes that was pushed into every input (a task sends `resume` after
 * each batch of the merge): then all records up to there are here, and are processed in the order of their arrivals. Such an
 * element goes on once, after it came on both sides.
 */
export function twoInputs<Out>(
  left: Stream<unknown>,
  right: Stream<unknown>,
  stepOf: (emit: (element: Element) => void) => TwoInputStep,
): Stream<Out> {
  return new Observable<Element>((subscriber) => {
    const emit = (element: Element): void => subscriber.next(element);
    const both = new Alignment(stepOf(emit), emit);
    const subscription = left.subscribe(port(subscriber, (element) => both.take(0, element)));
    subscription.add(right.subscribe(port(subscriber, (element) => both.take(1, element))));
    return subscription;
  });
}

function port(subscriber: Subscriber<Element>, take: (element: Element) => void) {
  return {
    next: (element: Element): void => {
      try {
        take(element);
      } catch (error) {
        subscriber.error(error);
      }
    },
    error: (error: unknown): void => subscriber.error(error),
  };
}

class Alignment {
  readonly #step: TwoInputStep;
  readonly #emit: (element: Element) => void;
  readonly #shapes: [Shape | null, Shape | null] = [null, null];
  readonly #watermark = new CombinedWatermark();
  #chunks: readonly [Chunk[], Chunk[]] = [[], []];
  /** The side on which an element came that the other one has yet to get, and that element. */
  #ahead: { readonly side: 0 | 1; readonly element: Broadcast } | null = null;
  #lastArrival = 0;
  /** Of each side, as its last barrier said. */
  readonly #recordWatermarks: [number, number] = [NO_WATERMARK, NO_WATERMARK];

  constructor(step: TwoInputStep, emit: (element: Element) => void) {
    this.#step = step;
    this.#emit = emit;
  }

  take(side: 0 | 1, element: Element): void {
    switch (element.kind) {
      case 'shape':
        this.#takeShape(side, element);
        break;
      case 'chunk':
        this.#chunks[side].push(element);
        break;
      case 'watermark':
        this.#change(() => this.#watermark.set(side, element.tsMicros));
        break;
      case 'activity':
        this.#takeActivity(side, element.isActive);
        break;
      case 'barrier':
        this.#recordWatermarks[side] = element.recordWatermark;
        this.#takeBroadcast(side, element);
        break;
      case 'flush':
      case 'explain':
      case 'snapshot':
      case 'restore':
      case 'resume':
      case 'wallClock':
        this.#takeBroadcast(side, element);
        break;
      default:
        this.#emit(element);
    }
  }

  #takeShape(side: 0 | 1, shape: Shape): void {
    this.#shapes[side] = shape;
    const [left, right] = this.#shapes;
    if (left !== null && right !== null) this.#emit(this.#step.shape(left, right));
  }

  #takeActivity(side: 0 | 1, isActive: boolean): void {
    const before = this.#watermark.isActive;
    this.#change(() => this.#watermark.setActive(side, isActive));
    if (this.#watermark.isActive !== before) this.#emit({ kind: 'activity', isActive: this.#watermark.isActive });
  }

  #takeBroadcast(side: 0 | 1, element: Broadcast): void {
    const ahead = this.#ahead;
    if (ahead === null) this.#ahead = { side, element };
    if (ahead === null || ahead.side === side) return;
    const other = ahead.element;
    this.#ahead = null;
    this.#processChunks();
    if (element.kind === 'explain' && other.kind === 'explain') this.#emit(this.#explained(side, element, other));
    else if (element.kind === 'wallClock' && other.kind === 'wallClock') this.#moveWallClock(side, element, other);
    else this.#takeOnce(element);
  }

  #takeOnce(element: Broadcast): void {
    if (element.kind === 'flush') this.#step.flush(this.#watermark.current);
    else if (element.kind === 'barrier') this.#report(element);
    else if (element.kind === 'snapshot') this.#snapshot(element);
    else if (element.kind === 'restore') this.#restore(element);
    this.#emit(element);
  }

  #moveWallClock(side: 0 | 1, last: WallClock, first: WallClock): void {
    this.#change(() => {
      const hasOtherRaised = this.#watermark.set(side === 0 ? 1 : 0, first.tsMicros);
      return this.#watermark.set(side, last.tsMicros) || hasOtherRaised;
    });
    // How the watermark moved here is said by a chunk; a `watermark` step after this one sees to its own.
    this.#emit({ ...last, tsMicros: NO_WATERMARK });
  }

  #report(barrier: Barrier): void {
    barrier.watermark = this.#watermark.current;
    barrier.recordWatermark = this.#watermark.combined(this.#recordWatermarks);
    noteWaiting(barrier, this.#step.nextMicros);
  }

  /** What is known on both sides. */
  #explained(side: 0 | 1, last: Explain, first: Explain): Explain {
    const progressOn = (port: 0 | 1, { progress }: Explain) =>
      this.#watermark.isPortActive(port) ? progress : progress.map((each) => ({ ...each, isIdle: true }));
    const [left, right] = side === 1 ? [first, last] : [last, first];
    const progress = [...progressOn(0, left), ...progressOn(1, right)];
    return { ...left, progress, waiting: left.waiting + right.waiting + this.#step.waiting };
  }

  #snapshot(snapshot: Snapshot): void {
    const part: SavedStep = {
      watermark: this.#watermark.snapshot(),
      lastArrival: this.#lastArrival,
      part: this.#step.snapshot(),
    };
    snapshot.parts.push(part);
    snapshot.keys = this.#step.keys;
  }

  #restore(restore: Restore): void {
    const { watermark, lastArrival, part } = restore.parts.shift() as SavedStep;
    this.#watermark.restore(watermark);
    this.#lastArrival = lastArrival;
    this.#step.restore(part);
    restore.keys = this.#step.keys;
  }

  #processChunks(): void {
    const [left, right] = this.#chunks;
    if (left.length === 0 && right.length === 0) return;
    this.#chunks = [[], []];
    const watermarkBefore = this.#watermark.current;
    const progress = [progressOf(left), progressOf(right)] as const;
    const steps = this.#watermark.advance(...progress);
    for (const { arrivals } of progress) this.#lastArrival = Math.max(this.#lastArrival, arrivals.at(-1) ?? 0);
    this.#step.process({ left, right, watermarkBefore, steps });
  }

  /** A change that may raise the watermark without a record: it then rises after the last one. */
  #change(raises: () => boolean): void {
    this.#processChunks();
    const watermarkBefore = this.#watermark.current;
    if (!raises()) return;
    const steps = {
      arrivals: Float64Array.of(this.#lastArrival),
      watermarks: Float64Array.of(this.#watermark.current),
    };
    this.#step.process({ left: [], right: [], watermarkBefore, steps });
  }
}

function progressOf(chunks: readonly Chunk[]): Progress {
  const [first, ...others] = chunks;
  if (first === undefined) return NO_PROGRESS;
  if (others.length === 0) return first.progress ?? NO_PROGRESS;
  const parts = chunks.map(({ progress }) => progress ?? NO_PROGRESS);
  const count = parts.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
  const joined = { arrivals: new Float64Array(count), watermarks: new Float64Array(count) };
  let at = 0;
  for (const { arrivals, watermarks } of parts) {
    joined.arrivals.set(arrivals, at);
    joined.watermarks.set(watermarks, at);
    at += arrivals.length;
  }
  return joined;
}
