import type { Aggregate, NumberField } from './spec.ts';
import { VarianceState } from './varianceState.ts';

/**
 * The population standard deviation of a field: the double nearest to the square root of the exact variance.
 * Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ spread: stddev('price') })
 */
export function stddev<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new VarianceState(input, field, true) },
    output: 0,
    label: `stddev ${field}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
