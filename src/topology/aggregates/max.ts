import { ExtremeState } from './extremeState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The highest value of a field. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ highest: max('price') })
 */
export function max<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new ExtremeState(input, field, -1) },
    output: 0,
    label: `max ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: { how: 'max' },
  };
}
