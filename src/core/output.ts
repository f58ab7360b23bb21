import type { RecordSchema } from './schema.ts';

/** How a field of a finished window merges into a wider window: what a roll-up needs to know. */
export type FieldMerge =
  | { readonly how: 'sum' | 'min' | 'max' }
  /** The value of the window with the lowest or highest (time, sequence), given by two other fields. */
  | { readonly how: 'earliest' | 'latest'; readonly time: string; readonly sequence: string }
  | { readonly how: 'ratio'; readonly numerator: string; readonly denominator: string };

export type OutputView = { readonly kind: 'latestByKey' } | { readonly kind: 'rollup'; readonly interval: string };

/**
 * One named output of a topology: the topic that holds it and what a sink needs to store it. Every result record begins
 * with the key field, then interval, start, end, revision, final, deleted, then the aggregates.
 */
export interface OutputSpec {
  readonly topology: string;
  readonly name: string;
  readonly topic: string;
  readonly generation: number;
  readonly keyField: string;
  readonly schema: RecordSchema;
  /** By field; a field that cannot be merged is absent. */
  readonly merges: ReadonlyMap<string, FieldMerge>;
  /** The intervals of all its windows, by their names in results: `1m`, `5m/1m` (hopping). */
  readonly intervals: readonly string[];
  readonly views: readonly OutputView[];
}

/** The topic of one generation of an output; the first has the plain name. */
export function generationTopic(topic: string, generation: number): string {
  return generation === 1 ? topic : `${topic}__g${generation}`;
}
