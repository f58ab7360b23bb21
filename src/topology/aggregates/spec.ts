import type { DecimalText } from '../../core/avro/row.ts';
import type { Column, DecimalColumn, NumberColumn } from '../../core/columns.ts';
import type { FieldSchema } from '../../core/schema.ts';
import type { Slides } from '../../core/slides.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Shape } from '../elements.ts';

/**
 * The state of one group of results, for every slot of a task. A slot that was never used or was cleared is empty.
 */
export interface AggregateState {
  /** Makes room for slots below `capacity` where there is none yet; large parts one at a time. True where it made any. */
  reserve(capacity: number): boolean;
  /** Looks up the chunk's columns, once for all its runs. */
  begin(chunk: Chunk): void;
  /** Adds the chunk's record `rows[i]` to `slots[i]`, for each i from `from` to `to`; a negative slot is none. */
  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void;
  /** Adds what `from[i]` holds to `into[i]`, for each i in turn; `from[i]` stays as it is. */
  merge(from: Int32Array, into: Int32Array): void;
  /**
   * Moves stretches of slots on; what they show goes to the slots from `out` on, one after the other, whatever these hold.
   * Of a stretch, its own slot is the state's to use. A state that has no quicker way than `merge` leaves this out.
   */
  slide?(slides: Slides, out: number): void;
  clear(slots: Int32Array): void;
  /** One of the group's results for each slot, in their order; `endsMicros` are the (exclusive) ends of the windows. */
  results(output: number, slots: Int32Array, endsMicros: Float64Array): Column;
  /** What the slots hold, in their order, as plain data that a structured clone can hold. */
  snapshot(slots: Int32Array): unknown;
  /** Sets empty slots that have room to what was saved of as many. */
  restore(slots: Int32Array, saved: unknown): void;
}

/** How one output of a group merges into wider windows; times and sequences are other outputs of the same group. */
export type OutputMerge =
  | { readonly how: 'sum' | 'min' | 'max' }
  | { readonly how: 'earliest' | 'latest'; readonly timeOutput: number; readonly sequenceOutput: number }
  | { readonly how: 'ratio'; readonly numeratorOutput: number; readonly denominatorOutput: number };

/** Results that share one state, such as the four prices of a bar. */
export interface AggregateGroup {
  /** @throws TM_TOPOLOGY when the input lacks a field or it is of the wrong type */
  bind(input: Shape): AggregateState;
}

declare const TYPES: unique symbol;

/**
 * One result of a window. `In` is what it needs of a row; `Out` the type of its value.
 *
 * @example const trades: Aggregate<unknown, number> = count();
 */
export interface Aggregate<In, Out> {
  readonly group: AggregateGroup;
  /** Which of the group's results it is. */
  readonly output: number;
  /** What it computes, in words: part of what a task's stored state depends on. */
  readonly label: string;
  readonly field: (input: Shape) => Omit<FieldSchema, 'name'>;
  readonly merge: OutputMerge | null;
  readonly [TYPES]?: (row: In) => Out;
}

declare const FIELD: unique symbol;

/** As the type of an aggregate's value: the type that the row has of a field, or null. */
export interface FieldValue<F extends string> {
  readonly [FIELD]: F;
}

/** A field of any kind. */
export type AnyField<F extends string> = { readonly [K in F]: unknown };

/** A numeric field that may be null. */
export type NumberField<F extends string> = { readonly [K in F]: number | null };

/** A numeric or decimal field that may be null. */
export type ExactField<F extends string> = { readonly [K in F]: number | DecimalText | null };

/** The schema of an input field. @throws TM_TOPOLOGY */
export function fieldOf(input: Shape, name: string): FieldSchema {
  const field = input.schema.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw unfit(input, `has no field '${name}'`);
  return field;
}

/** The schema of a numeric input field. @throws TM_TOPOLOGY */
export function numberField(input: Shape, name: string): FieldSchema & { readonly kind: NumberColumn['kind'] } {
  const { kind, ...field } = fieldOf(input, name);
  if (kind === 'double' || kind === 'long' || kind === 'int') return { ...field, kind };
  throw unfit(input, `has '${name}' as ${kind}, not as a number`);
}

/** The schema of a numeric or decimal input field. @throws TM_TOPOLOGY */
export function exactField(input: Shape, name: string): FieldSchema & { readonly kind: ExactColumn['kind'] } {
  const { kind, ...field } = fieldOf(input, name);
  return kind === 'decimal' ? { ...field, kind } : numberField(input, name);
}

export type ExactColumn = NumberColumn | DecimalColumn;

/** The column of a field that `exactField` accepted. */
export function exactColumn(chunk: Chunk, name: string): ExactColumn {
  const column = chunk.columns.byName.get(name);
  return column?.kind === 'decimal' ? column : numberColumn(chunk, name);
}

function unfit({ schema }: Shape, problem: string): TidemarkError {
  return new TidemarkError('TM_TOPOLOGY', `the aggregated stream ${problem}`, {
    where: `schema ${schema.name}`,
    hint: `Its fields: ${schema.fields.map((candidate) => `${candidate.name} (${candidate.kind})`).join(', ')}.`,
  });
}

/** The column of a field that `numberField` accepted. */
export function numberColumn(chunk: Chunk, name: string): NumberColumn {
  const column = chunk.columns.byName.get(name);
  if (column !== undefined && (column.kind === 'double' || column.kind === 'long' || column.kind === 'int'))
    return column;
  throw new TidemarkError('TM_TOPOLOGY', `a chunk came without the number column '${name}'`);
}

/** A column of one number a slot; null where `numberAt` gives NaN. */
export function numbersOf(
  kind: NumberColumn['kind'],
  slots: Int32Array,
  numberAt: (slot: number) => number,
): NumberColumn {
  const values = new Float64Array(slots.length);
  const nulls = new Uint8Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const value = numberAt(slots[i] as number);
    if (Number.isNaN(value)) nulls[i] = 1;
    else values[i] = value;
  }
  return { kind, values, nulls };
}
