import type { Aggregate, NumberField } from './spec.ts';
import { VarianceState } from './varianceState.ts';

/**
 * The population variance of a field: the double nearest to the exact value.
 * Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ spread: variance('price') })
 */
export function variance<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new VarianceState(input, field, false) },
    output: 0,
    label: `variance ${field}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
