import { PickedState } from './pickedState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The value of the highest event time; ties go by the sequence field, then to the last arrival. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: latest('price') })
 */
export function latest<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'latest') },
    output: 0,
    label: `latest ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: null,
  };
}
