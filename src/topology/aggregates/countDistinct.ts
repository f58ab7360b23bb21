import { type Aggregate, type AnyField, fieldOf } from './spec.ts';
import { ValueCountsState } from './valueCountsState.ts';

/**
 * How many different values a field of any kind has, exactly; nulls do not count. Its state grows with that number: where
 * it may be large, `countDistinctApprox` has a bound.
 *
 * @example aggregate({ venues: countDistinct('instrument') })
 */
export function countDistinct<const F extends string>(field: F): Aggregate<AnyField<F>, number> {
  return {
    group: {
      bind: (input) =>
        new ValueCountsState(input, field, (counts) => {
          return { kind: 'long', values: Float64Array.from(counts, ({ size }) => size) };
        }),
    },
    output: 0,
    label: `countDistinct ${field}`,
    field: (input) => {
      fieldOf(input, field);
      return { kind: 'long', nullable: false };
    },
    merge: null,
  };
}
