import { extremeState } from './extremeState.ts';
import { type Aggregate, type ExactField, exactField, type FieldValue } from './spec.ts';

/**
 * The lowest value of a numeric or decimal field. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ lowest: min('price') })
 */
export function min<const F extends string>(field: F): Aggregate<ExactField<F>, FieldValue<F>> {
  return {
    group: { bind: (input) => extremeState(input, field, 1) },
    output: 0,
    label: `min ${field}`,
    field: (input) => ({ ...exactField(input, field), nullable: true }),
    merge: { how: 'min' },
  };
}
