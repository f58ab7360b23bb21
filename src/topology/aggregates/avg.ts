import type { Aggregate, ExactField } from './spec.ts';
import { SumState } from './sumState.ts';

/**
 * The double nearest to the exact mean of a numeric or decimal field. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ mean: avg('price') })
 */
export function avg<const F extends string>(field: F): Aggregate<ExactField<F>, number | null> {
  return {
    group: { bind: (input) => new SumState(input, field, true) },
    output: 0,
    label: `avg ${field}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
