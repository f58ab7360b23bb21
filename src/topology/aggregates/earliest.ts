import { PickedState } from './pickedState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The value of the lowest event time; ties go by the sequence field, then to the first arrival. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: earliest('price') })
 */
export function earliest<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'earliest') },
    output: 0,
    label: `earliest ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: null,
  };
}
