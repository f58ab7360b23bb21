import { PickedState } from './pickedState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The value that arrived last (highest offset). Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: last('price') })
 */
export function last<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'last') },
    output: 0,
    label: `last ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: null,
  };
}
