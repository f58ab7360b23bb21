import { ExtremeState } from './extremeState.ts';
import { type Aggregate, type NumberField, numberField } from './spec.ts';

/**
 * The lowest value of a field. Nulls are skipped; null when there is nothing else.
 *
 * @example aggregate({ lowest: min('price') })
 */
export function min<const F extends string>(field: F): Aggregate<NumberField<F>, number | null> {
  return {
    group: { bind: (input) => new ExtremeState(input, field, 1) },
    output: 0,
    label: `min ${field}`,
    field: (input) => ({ ...numberField(input, field), nullable: true }),
    merge: { how: 'min' },
  };
}
