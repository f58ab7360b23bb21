import { PickedState } from './pickedState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The value that arrived first (lowest offset). Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ price: first('price') })
 */
export function first<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new PickedState(input, field, 'first') },
    output: 0,
    label: `first ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: null,
  };
}
