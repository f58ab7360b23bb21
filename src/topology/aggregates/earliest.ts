import { PickedState } from './pickedState.ts';
import { type Aggregate, type AnyField, type FieldValue, fieldOf } from './spec.ts';

/**
 * The value of the lowest event time, of a field of any kind; ties go by the sequence field, then to the first arrival. Nulls
 * are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: earliest('price') })
 */
export function earliest<const F extends string>(field: F): Aggregate<AnyField<F>, FieldValue<F>> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'earliest', false) },
    output: 0,
    label: `earliest ${field}`,
    field: (input) => ({ ...fieldOf(input, field), nullable: true }),
    merge: null,
  };
}
