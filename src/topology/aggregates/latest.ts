import { PickedState } from './pickedState.ts';
import { type Aggregate, type AnyField, type FieldValue, fieldOf } from './spec.ts';

/**
 * The value of the highest event time, of a field of any kind; ties go by the sequence field, then to the last arrival. Nulls
 * are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: latest('price') })
 */
export function latest<const F extends string>(field: F): Aggregate<AnyField<F>, FieldValue<F>> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'latest', false) },
    output: 0,
    label: `latest ${field}`,
    field: (input) => ({ ...fieldOf(input, field), nullable: true }),
    merge: null,
  };
}
