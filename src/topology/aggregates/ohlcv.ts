import type { DecimalText } from '../../core/avro/row.ts';
import { DECIMAL_PRECISION } from '../../core/decimalSums.ts';
import { ohlcOf } from './ohlc.ts';
import { NOTIONAL_OUTPUT, OhlcvState, VOLUME_OUTPUT, VWAP_OUTPUT } from './ohlcvState.ts';
import type { Aggregate, AggregateGroup, NumberField } from './spec.ts';
import { NOTIONAL_SCALE, VOLUME_SCALE } from './tradedState.ts';

/** What `ohlcv` spreads into an aggregate. Decimals are plain decimal text. */
export interface Ohlcv<In> {
  readonly open: Aggregate<In, number | null>;
  readonly high: Aggregate<In, number | null>;
  readonly low: Aggregate<In, number | null>;
  readonly close: Aggregate<In, number | null>;
  readonly volume: Aggregate<In, DecimalText | null>;
  readonly notional: Aggregate<In, DecimalText | null>;
  readonly vwap: Aggregate<In, number | null>;
  readonly openTime: Aggregate<In, number | null>;
  readonly openSequence: Aggregate<In, number | null>;
  readonly closeTime: Aggregate<In, number | null>;
  readonly closeSequence: Aggregate<In, number | null>;
}

/**
 * A bar: open, high, low and close of the price, the exact sums of size (`volume`) and of price times size (`notional`),
 * `vwap` (the double nearest to notional / volume; null without volume), and event time and sequence of open and close.
 *
 * @example aggregate({ ...ohlcv('price', 'size'), count: count() })
 */
export function ohlcv<const P extends string, const S extends string>(
  price: P,
  size: S,
): Ohlcv<NumberField<P> & NumberField<S>> {
  type In = NumberField<P> & NumberField<S>;
  const group: AggregateGroup = { bind: (input) => new OhlcvState(input, price, size) };
  const label = `ohlcv ${price} ${size}`;
  const { open, high, low, close, ...places } = ohlcOf<In>(group, label);
  const decimal = (name: string, output: number, scale: number): Aggregate<In, DecimalText | null> => ({
    group,
    output,
    label: `${name} of ${label}`,
    field: () => ({ kind: 'decimal', precision: DECIMAL_PRECISION, scale, nullable: true }),
    merge: { how: 'sum' },
  });
  const vwap: Aggregate<In, number | null> = {
    group,
    output: VWAP_OUTPUT,
    label: `vwap of ${label}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: { how: 'ratio', numeratorOutput: NOTIONAL_OUTPUT, denominatorOutput: VOLUME_OUTPUT },
  };
  return {
    open,
    high,
    low,
    close,
    volume: decimal('volume', VOLUME_OUTPUT, VOLUME_SCALE),
    notional: decimal('notional', NOTIONAL_OUTPUT, NOTIONAL_SCALE),
    vwap,
    ...places,
  };
}
