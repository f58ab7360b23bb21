import type { Observable } from 'rxjs';
import type { Columns } from '../core/columns.ts';
import type { KeyTable } from '../core/keyTable.ts';
import type { FieldMerge } from '../core/output.ts';
import type { RecordSchema } from '../core/schema.ts';
import type { Slides } from '../core/slides.ts';
import type { Boundary } from './stages/boundary.ts';
import type { WatermarkStrategy } from './watermarks/strategy.ts';
import type { WindowSet } from './windows/definition.ts';
import type { FoundWindow } from './windows/foundWindow.ts';

/** Watermark before any record. */
export const NO_WATERMARK = Number.NEGATIVE_INFINITY;
/** The watermark at the end of input: beyond every window and its lateness, and still a number that can be compared and stored. */
export const END_OF_TIME = Number.MAX_VALUE;

/** An input of a topology, and how the watermark follows it there; null until a `watermark` step says so. */
export interface Origin {
  readonly input: string;
  readonly topic: string;
  readonly watermark: WatermarkStrategy | null;
  /** The boundary behind which the stream is, where there is one. */
  readonly boundary?: string;
}

/**
 * The first element of every stream: what its chunks will look like. Operators turn their input's shape into their
 * output's, so a topology is fully described before any record flows.
 */
export interface Shape {
  readonly kind: 'shape';
  readonly schema: RecordSchema;
  /** The field that holds event time, microseconds. */
  readonly timeField: string;
  /** The field that breaks ties of event time, when there is one. */
  readonly sequenceField: string | null;
  readonly keyField: string | null;
  /** The inputs of the topology that the stream is made of. */
  readonly origins: readonly Origin[];
  /** Set by `union`: its rows came in several of them. Those of other streams came in the first. */
  readonly isUnion?: true;
  /** Where the topology is cut into stages: each boundary adds itself as the shape passes. */
  readonly boundaries: Boundary[];
  /** What each step does, in words, in order: what the stored state of a task depends on. */
  readonly steps: readonly string[];
  /** Set by `window`, taken back by `aggregate`. */
  readonly windows: WindowSet | null;
  /** Set by `aggregate`: how result fields merge into wider windows; null for a stream that is not aggregated. */
  readonly result: { readonly merges: ReadonlyMap<string, FieldMerge>; readonly windows: WindowSet } | null;
}

/**
 * How the watermark moved while a chunk's records came, those included that were filtered out since: what an operator over
 * several inputs needs, to see it move at the same record however the stream was cut into chunks.
 */
export interface Progress {
  /** Ascending. */
  readonly arrivals: Float64Array;
  /** The watermark after the record of each arrival. */
  readonly watermarks: Float64Array;
}

/** Columns of one partition's consecutive records. All arrays are `columns.length` long. */
export interface Chunk {
  readonly kind: 'chunk';
  readonly columns: Columns;
  /** Offset of each record in its input partition. */
  readonly offsets: Float64Array;
  /**
   * Place of each record in the order in which the task took its records in, over all its inputs; the offsets themselves
   * where there is one input. Of a row that came out later than its record: the place of the record after which it did; rows
   * that came out together differ by a fraction.
   */
  readonly arrivals: Float64Array;
  /** In a union, the place of each record's input among the origins of the shape; a join of a union does not say it. */
  readonly sources?: Float64Array;
  /** Event time in microseconds. */
  readonly timesMicros: Float64Array;
  /** The watermark in force before each record. It moves per record, so nothing depends on where chunks are cut. */
  readonly watermarks: Float64Array | null;
  /** The watermark after the chunk's last record. */
  readonly watermarkAfter: number;
  /** Set by `watermark`. */
  readonly progress?: Progress;
  readonly keys: KeyTable | null;
  readonly keyIds: Int32Array | null;
}

/** A watermark from outside: where a restarted task's event time stands, or one that a test sets. */
export interface Watermark {
  readonly kind: 'watermark';
  readonly tsMicros: number;
}

/**
 * No record has come for a while: each `watermark` step goes to where its records left it and that much further, and says so to
 * the steps after it.
 */
export interface WallClock {
  readonly kind: 'wallClock';
  /** Since the last record, by the wall clock. */
  readonly quietMicros: number;
  /** The watermark then; negative infinity where no `watermark` step has seen to it. */
  readonly tsMicros: number;
}

/** One input is idle or ended, and holds nothing back in operators over several inputs; or it is active again. */
export interface Activity {
  readonly kind: 'activity';
  readonly isActive: boolean;
}

/** Fires every open window whose contents changed since it last fired; the watermark stays. */
export interface Flush {
  readonly kind: 'flush';
}

/** Records of a run of a chunk, and the slots that they fall into: one array for each group of windows that share slots. */
export interface Assigned {
  readonly kind: 'assigned';
  readonly chunk: Chunk;
  readonly from: number;
  readonly to: number;
  /** `slots[k][i]` is a slot of record i, or negative. Valid for the indexes from `from` to `to`. */
  readonly slots: readonly Int32Array[];
  /** Records that go into further slots: `extraSlots[n]` takes record `extraRows[n]` of the chunk. */
  readonly extraRows: Int32Array;
  readonly extraSlots: Int32Array;
  /** Every slot is below this. */
  readonly slotsUsed: number;
}

/** Slots to merge, in order: what `from[n]` holds is added to `into[n]`. */
export interface Merged {
  readonly kind: 'merged';
  readonly from: Int32Array;
  readonly into: Int32Array;
}

/** Stretches of slots that windows look back on, as they move on: what they show is for the `fired` that comes next. */
export interface Slid extends Slides {
  readonly kind: 'slid';
}

/**
 * Windows to emit, in order. Window w is the merge of the slots `panes[paneEnds[w - 1], paneEnds[w])`: one slot of a
 * tumbling window, several slices of a hopping one. A pane of `~n` is what was shown n-th by the `slid` before.
 */
export interface Fired {
  readonly kind: 'fired';
  readonly count: number;
  /** Arrival of the record after which each comes out. */
  readonly afterArrivals: Float64Array;
  readonly definition: Int32Array;
  readonly startMicros: Float64Array;
  readonly endMicros: Float64Array;
  readonly revisions: Float64Array;
  /** 0 for results that will be emitted again at completion; 1 in `deleted` for those that take back an earlier one. */
  readonly final: Uint8Array;
  readonly deleted: Uint8Array;
  readonly keyIds: Int32Array;
  readonly panes: Int32Array;
  readonly paneEnds: Int32Array;
  readonly keys: KeyTable;
}

/** Slots to empty: nothing needs their contents any more. */
export interface Released {
  readonly kind: 'released';
  readonly slots: Int32Array;
}

/** Records that came after windows of theirs had expired, or that are duplicates: for the ledger. */
export interface Late {
  readonly kind: 'late';
  readonly count: number;
  readonly keys: readonly Uint8Array[];
  readonly timesMicros: Float64Array;
  readonly offsets: Float64Array;
  readonly arrivals: Float64Array;
  readonly watermarks: Float64Array;
  /** The windows that each record missed, comma-separated, and whether those are all that it had. */
  readonly intervals: readonly string[];
  readonly missedAll: Uint8Array;
  /** Of each record; absent where all came from the only topic there is. */
  readonly topics?: readonly string[];
  /** Why they are here; absent for `expired`. */
  readonly reason?: 'duplicate';
}

/**
 * Asks every operator, in order, what a commit must know. Operators write into it and pass it on; the task that sent it
 * reads it when it comes out.
 */
export interface Barrier {
  readonly kind: 'barrier';
  /** The watermark now, and where it would be had the wall clock not moved it. */
  watermark: number;
  recordWatermark: number;
  /** For how long no record must come until the wall clock makes something come out; infinity where nothing waits. */
  quietNeeded: number;
  /** Records that fell into the gap between two windows (slide above size), since the start. */
  unassigned: number;
  /** Windows emitted again, or for the first time, because of a record that came after their completion. */
  refired: number;
}

export function newBarrier(): Barrier {
  return {
    kind: 'barrier',
    watermark: NO_WATERMARK,
    recordWatermark: NO_WATERMARK,
    quietNeeded: Number.POSITIVE_INFINITY,
    unassigned: 0,
    refired: 0,
  };
}

/** Says in a barrier at which watermark something is to come out of the step that it has come to. */
export function noteWaiting(barrier: Barrier, nextMicros: number): void {
  barrier.quietNeeded = Math.min(barrier.quietNeeded, nextMicros - barrier.recordWatermark);
}

/**
 * How far one `watermark` step is.
 *
 * @example const isFurther = (a: InputProgress, b: InputProgress): boolean => a.watermarkMicros > b.watermarkMicros;
 */
export interface InputProgress {
  /** The inputs whose records it follows. */
  readonly inputs: readonly string[];
  /** Negative infinity before any. */
  readonly watermarkMicros: number;
  /** The record that raised it last, by its place among the records of all inputs, from 0; null where none did, or where it was set from outside since. */
  readonly raisedBy: { readonly arrival: number; readonly eventTimeMicros: number } | null;
  /** How far beyond its records the wall clock has moved it. */
  readonly clockMicros: number;
  /** An idle one holds nothing back. */
  readonly isIdle: boolean;
}

/** Asks how a window of a key stands. Whichever step knows something passes the question on with that added; nothing changes. */
export interface Explain {
  readonly kind: 'explain';
  readonly key: Uint8Array;
  readonly interval: string;
  readonly atMicros: number;
  /** Set by `watermark`, brought together where streams are. */
  readonly progress: readonly InputProgress[];
  /** Rows that wait for the watermark in steps before the window. */
  readonly waiting: number;
  /** Set by `window`. */
  readonly answer: {
    readonly windows: WindowSet;
    readonly watermark: number;
    readonly found: FoundWindow | null;
  } | null;
}

/**
 * Asks every operator, in order, for its state: each that has some adds one part and passes the element on. Parts are
 * plain data (typed arrays, maps, texts, bigints: what a structured clone can hold).
 */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly parts: unknown[];
  /** Set by `keyBy`: the keys whose state follows. */
  keys: KeyTable | null;
  /** Set by `window`: the slots whose contents follow. */
  slots: Int32Array;
}

/** Gives every operator of a new topology, in the same order, the part that it added to a snapshot: the first that is left. */
export interface Restore {
  readonly kind: 'restore';
  readonly parts: unknown[];
  keys: KeyTable | null;
  slots: Int32Array;
  /** Set by `window`: every slot is below this. */
  slotsUsed: number;
}

/** Lets operators that broke off a long firing go on; one that breaks off again sets `pending`. */
export interface Resume {
  readonly kind: 'resume';
  pending: boolean;
}

export type Windowed = Assigned | Merged | Slid | Fired | Released;

export type Element =
  | Shape
  | Chunk
  | Watermark
  | WallClock
  | Activity
  | Flush
  | Barrier
  | Explain
  | Snapshot
  | Restore
  | Resume
  | Windowed
  | Late;

declare const ROW: unique symbol;

/**
 * A stream of elements whose chunks hold rows of type `Row`. The row type exists for the compiler only.
 *
 * @example const largeOf = (trades: Stream<Tick>) => trades.pipe(filter((tick) => tick.size >= 10));
 */
export type Stream<Row> = Observable<Element & { readonly [ROW]?: Row }>;

/**
 * A step of a topology, for use in `pipe`.
 *
 * @example const large: Operator<Tick, Tick> = filter((tick) => tick.size >= 10);
 */
export type Operator<In, Out> = (source: Stream<In>) => Stream<Out>;
