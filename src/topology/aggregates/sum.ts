import { DECIMAL_PRECISION } from '../../core/decimalSums.ts';
import type { Aggregate, NumberField } from './spec.ts';
import { SUM_SCALE, SumState } from './sumState.ts';

/**
 * The exact decimal sum of a field: 0.1 + 0.2 is 0.3. Nulls are skipped; null when there is nothing else. Values are taken
 * as their shortest decimal form; decimals beyond the 36th are rounded.
 *
 * @example aggregate({ volume: sum('size') })
 */
export function sum<const F extends string>(field: F): Aggregate<NumberField<F>, string | null> {
  return {
    group: { bind: (input) => new SumState(input, field, false) },
    output: 0,
    label: `sum ${field}`,
    field: () => ({ kind: 'decimal', precision: DECIMAL_PRECISION, scale: SUM_SCALE, nullable: true }),
    merge: { how: 'sum' },
  };
}
