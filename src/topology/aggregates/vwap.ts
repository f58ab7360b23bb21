import type { Aggregate, NumberField } from './spec.ts';
import { TRADED_OUTPUTS, TradedState } from './tradedState.ts';

/**
 * The volume-weighted average price: the double nearest to the exact Σ price × size / Σ size, over records that have both;
 * null when the sizes add up to 0.
 *
 * @example aggregate({ average: vwap('price', 'size') })
 */
export function vwap<const P extends string, const S extends string>(
  price: P,
  size: S,
): Aggregate<NumberField<P> & NumberField<S>, number | null> {
  return {
    group: { bind: (input) => new TradedState(input, price, size) },
    output: TRADED_OUTPUTS.indexOf('vwap'),
    label: `vwap ${price} ${size}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
