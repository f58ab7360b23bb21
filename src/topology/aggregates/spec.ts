import type { NumberColumn } from '../../core/columns.ts';
import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Shape } from '../elements.ts';

/**
 * The state of one group of results, for every slot of a task. A slot that was never used or was cleared is empty.
 */
export interface AggregateState {
  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void;
  /** Looks up the chunk's columns, once for all its runs. */
  begin(chunk: Chunk): void;
  /** Adds the chunk's record `rows[i]` to `slots[i]`, for each i from `from` to `to`; a negative slot is none. */
  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void;
  /** Adds what `from[i]` holds to `into[i]`, for each i in turn; `from[i]` stays as it is. */
  merge(from: Int32Array, into: Int32Array): void;
  clear(slots: Int32Array): void;
  /** Sets a field of the result row that is being built. */
  write(slot: number, output: number, builder: ColumnsBuilder, field: number): void;
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

/** A numeric field that may be null. */
export type NumberField<F extends string> = { readonly [K in F]: number | null };

/** The schema of a numeric input field. @throws TM_TOPOLOGY */
export function numberField(input: Shape, name: string): FieldSchema {
  const field = input.schema.fields.find((candidate) => candidate.name === name);
  if (field !== undefined && (field.kind === 'double' || field.kind === 'long' || field.kind === 'int')) return field;
  const problem = field === undefined ? `has no field '${name}'` : `has '${name}' as ${field.kind}, not as a number`;
  throw new TidemarkError('TM_TOPOLOGY', `the aggregated stream ${problem}`, {
    where: `schema ${input.schema.name}`,
    hint: `Its fields: ${input.schema.fields.map((candidate) => `${candidate.name} (${candidate.kind})`).join(', ')}.`,
  });
}

/** The column of a field that `numberField` accepted. */
export function numberColumn(chunk: Chunk, name: string): NumberColumn {
  const column = chunk.columns.byName.get(name);
  if (column !== undefined && (column.kind === 'double' || column.kind === 'long' || column.kind === 'int'))
    return column;
  throw new TidemarkError('TM_TOPOLOGY', `a chunk came without the number column '${name}'`);
}
