import { extremeState } from './extremeState.ts';
import { type Aggregate, type ExactField, exactField, type FieldValue } from './spec.ts';

/**
 * The highest value of a numeric or decimal field. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ highest: max('price') })
 */
export function max<const F extends string>(field: F): Aggregate<ExactField<F>, FieldValue<F>> {
  return {
    group: { bind: (input) => extremeState(input, field, -1) },
    output: 0,
    label: `max ${field}`,
    field: (input) => ({ ...exactField(input, field), nullable: true }),
    merge: { how: 'max' },
  };
}
