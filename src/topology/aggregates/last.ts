import { PickedState } from './pickedState.ts';
import { type Aggregate, type AnyField, type FieldValue, fieldOf } from './spec.ts';

/**
 * The value that arrived last, of a field of any kind. Nulls are skipped, and the result is null when there is nothing else; with
 * `nulls: 'keep'` a null is a value like any other.
 *
 * @example aggregate({ price: last('price'), side: last('side', { nulls: 'keep' }) })
 */
export function last<const F extends string>(
  field: F,
  { nulls = 'skip' }: { readonly nulls?: 'skip' | 'keep' } = {},
): Aggregate<AnyField<F>, FieldValue<F>> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'last', nulls === 'keep') },
    output: 0,
    label: nulls === 'keep' ? `last ${field}, nulls too` : `last ${field}`,
    field: (input) => ({ ...fieldOf(input, field), nullable: true }),
    merge: null,
  };
}
