import type { DecimalText } from '../../core/avro/row.ts';
import { DECIMAL_PRECISION } from '../../core/decimalSums.ts';
import type { Aggregate, ExactField } from './spec.ts';
import { SumState, sumScaleOf } from './sumState.ts';

/**
 * The exact decimal sum of a field: 0.1 + 0.2 is 0.3. Nulls are skipped; null when there is nothing else. Doubles are taken
 * as their shortest decimal form, decimals beyond the 36th are rounded; the sum of a decimal field has its scale. A sum of more
 * than 76 digits is null.
 *
 * @example aggregate({ volume: sum('size') })
 */
export function sum<const F extends string>(field: F): Aggregate<ExactField<F>, DecimalText | null> {
  return {
    group: { bind: (input) => new SumState(input, field, false) },
    output: 0,
    label: `sum ${field}`,
    field: (input) => ({
      kind: 'decimal',
      precision: DECIMAL_PRECISION,
      scale: sumScaleOf(input, field),
      nullable: true,
    }),
    merge: { how: 'sum' },
  };
}
