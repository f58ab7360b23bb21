import type { Columns } from '../core/columns.ts';
import type { RecordSchema } from '../core/schema.ts';

/** A topic that a source writes records to. */
export interface SourceTarget {
  readonly topic: string;
  /** Has the string field `instrument`, which is the records' key, and the time `eventTime`. */
  readonly schema: RecordSchema;
}

/** One thing with a position of its own: a file, a simulation, a cursor of an API. */
export interface SourcePart {
  /** Names the part for ever: `<producer>.<id>`. What it holds is another part when it gives other records. */
  readonly id: string;
  /** The topic that its records go to. The same part in another topic has a position of its own there. */
  readonly topic: string;
  /** For messages and for the committed position: a file's name. */
  readonly label: string;
}

/** How far a part has come: what is committed with the records. */
export interface PartPosition {
  /** Units done from the part's beginning: rows of a file, ticks of a simulation. */
  readonly offset: number;
  readonly isDone: boolean;
  /** What the part itself needs to go on from here. */
  readonly state?: string;
}

/** What one transaction holds. */
export interface SourceBatch {
  /** Records by target, none twice. */
  readonly outputs: readonly { readonly target: SourceTarget; readonly columns: Columns }[];
  readonly deadLetters: Columns;
  /** Of the parts that moved, by their index. */
  readonly positions: ReadonlyMap<number, PartPosition>;
}

/** When a batch ends: at whichever bound is met first. */
export interface BatchBounds {
  readonly maxRecords: number;
  /** Of the source's own bytes, where it has any. */
  readonly maxBytes: number;
  /** How long a record may wait for the rest of its batch, where the rest has yet to happen. */
  readonly maxMs: number;
}

export interface BatchOptions {
  /** By part: where to begin; null at its beginning. A part that is done gives nothing. */
  readonly from: readonly (PartPosition | null)[];
  readonly bounds: BatchBounds;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Ends the batches early: what was gathered comes as a last one. */
  readonly signal: AbortSignal;
}

/** Where records come from: the same records in the same order whenever it is asked from the same positions. */
export interface Source {
  readonly targets: readonly SourceTarget[];
  readonly parts: readonly SourcePart[];
  batches(options: BatchOptions): AsyncIterable<SourceBatch>;
  /**
   * Records by which to tell whether the source is older than its topics: all of them, or a sample of the first.
   */
  preview(options: Omit<BatchOptions, 'bounds'>): AsyncIterable<SourceBatch['outputs']>;
}
