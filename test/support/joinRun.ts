import { Subject } from 'rxjs';
import type { Chunk, Element, Shape, Stream } from '../../src/topology/elements.ts';
import { InputMerge, type MergeBounds } from '../../src/topology/inputs/merge.ts';
import type { WatermarkStrategy } from '../../src/topology/watermarks/strategy.ts';
import { chunkOf, type Row, type SeenRow, StepRun } from './stepRun.ts';

const BOUNDS: MergeBounds = { maxSkewMs: 1_000_000, maxBufferedRecords: 1_000_000 };

export interface JoinSource {
  readonly shape: Shape;
  readonly strategy: WatermarkStrategy;
  readonly rows: readonly Row[];
}

export interface LateRow {
  readonly offset: number;
  readonly timeMicros: number;
  readonly watermark: number;
}

/** A record in the merged order. */
export interface Came {
  readonly side: number;
  readonly row: Row;
  readonly offset: number;
  readonly arrival: number;
}

type TwoStreams = (left: Stream<never>, right: Stream<never>) => Stream<unknown>;

/** Runs an operator over two inputs that are merged as a task does it. */
export class JoinRun {
  readonly rows: SeenRow[] = [];
  readonly late: LateRow[] = [];
  readonly came: Came[] = [];
  readonly #sources: readonly JoinSource[];
  readonly #operator: TwoStreams;
  #merge: InputMerge;
  #output: StepRun;
  #inputs: readonly Subject<Element>[] = [];

  constructor(sources: readonly [JoinSource, JoinSource], operator: TwoStreams) {
    this.#sources = sources;
    this.#operator = operator;
    this.#merge = this.#newMerge([0, 0]);
    this.#output = this.#newOutput();
  }

  get watermarkAfter(): number {
    return this.#output.watermarkAfter;
  }

  get shape(): Shape | null {
    return this.#output.shape;
  }

  /** Takes batches of the given size; all that there is when none is given. True while there is more. */
  take(size: number): boolean {
    const batch = this.#merge.next(size);
    if (batch === null) return false;
    for (const { input, element } of batch) {
      if (element.kind === 'chunk') this.#note(input, element);
      this.#inputs[input]?.next(element);
    }
    this.#broadcast({ kind: 'resume', pending: false });
    return true;
  }

  takeAll(size: number): this {
    while (this.take(size));
    return this;
  }

  flush(): this {
    this.#broadcast({ kind: 'flush' });
    return this;
  }

  /** Goes on in a new run from a snapshot of this one. */
  restart(): this {
    const snapshot = { kind: 'snapshot' as const, parts: [], keys: null, slots: new Int32Array(0) };
    this.#broadcast(snapshot);
    const parts = structuredClone(snapshot.parts);
    const merge = structuredClone(this.#merge.snapshot());
    const next = this.#sources.map(({ rows }, input) => this.#merge.nextOffset(input) ?? rows.length);
    this.#output = this.#newOutput();
    this.#merge = this.#newMerge(next);
    this.#merge.restore(merge);
    this.#broadcast({ kind: 'restore', parts, keys: null, slots: new Int32Array(0), slotsUsed: 0 });
    return this;
  }

  #newMerge(from: readonly number[]): InputMerge {
    const merge = new InputMerge(
      this.#sources.map(({ strategy }) => strategy),
      BOUNDS,
    );
    this.#sources.forEach(({ shape, rows }, input) => {
      const offset = from[input] as number;
      merge.offer(input, chunkOf(shape, rows.slice(offset), offset));
      merge.end(input);
    });
    return merge;
  }

  #newOutput(): StepRun {
    const [left, right] = [new Subject<Element>(), new Subject<Element>()];
    this.#inputs = [left, right];
    const { shape } = this.#sources[0] as JoinSource;
    const output = new StepRun(shape, () => this.#operator(left as Stream<never>, right as Stream<never>));
    for (const [input, source] of this.#sources.entries()) this.#inputs[input]?.next(source.shape);
    return output;
  }

  #broadcast(element: Element): void {
    for (const input of this.#inputs) input.next(element);
    this.#collect();
  }

  #collect(): void {
    this.#output.check();
    // Rows that came out after one record differ by a fraction of its arrival.
    const rows = this.#output.rows.splice(0).map((row) => ({ ...row, arrival: Math.floor(row.arrival) }));
    this.rows.push(...rows);
    for (const element of this.#output.others.splice(0)) {
      if (element.kind !== 'late') continue;
      for (let i = 0; i < element.count; i++) {
        this.late.push({
          offset: element.offsets[i] as number,
          timeMicros: element.timesMicros[i] as number,
          watermark: element.watermarks[i] as number,
        });
      }
    }
  }

  #note(side: number, { offsets, arrivals }: Chunk): void {
    offsets.forEach((offset, i) => {
      const row = (this.#sources[side] as JoinSource).rows[offset] as Row;
      this.came.push({ side, row, offset, arrival: arrivals[i] as number });
    });
    this.came.sort((a, b) => a.arrival - b.arrival);
  }
}
