import type { FieldSchema } from '../../core/schema.ts';
import { OHLC_OUTPUTS, OhlcState } from './ohlcState.ts';
import type { Aggregate, AggregateGroup, NumberField, OutputMerge } from './spec.ts';

type OhlcOutput = (typeof OHLC_OUTPUTS)[number];

const DOUBLE = { kind: 'double', nullable: true } as const;
const TIME = { kind: 'long', logical: 'timestamp-micros', nullable: true } as const;
const SEQUENCE = { kind: 'long', nullable: true } as const;

const FIELDS: Readonly<Record<OhlcOutput, Omit<FieldSchema, 'name'>>> = {
  open: DOUBLE,
  high: DOUBLE,
  low: DOUBLE,
  close: DOUBLE,
  openTime: TIME,
  openSequence: SEQUENCE,
  closeTime: TIME,
  closeSequence: SEQUENCE,
};

const output = (name: OhlcOutput): number => OHLC_OUTPUTS.indexOf(name);
const OPENING = { timeOutput: output('openTime'), sequenceOutput: output('openSequence') };
const CLOSING = { timeOutput: output('closeTime'), sequenceOutput: output('closeSequence') };

const MERGES: Readonly<Record<OhlcOutput, OutputMerge>> = {
  open: { how: 'earliest', ...OPENING },
  high: { how: 'max' },
  low: { how: 'min' },
  close: { how: 'latest', ...CLOSING },
  openTime: { how: 'min' },
  openSequence: { how: 'earliest', ...OPENING },
  closeTime: { how: 'max' },
  closeSequence: { how: 'latest', ...CLOSING },
};

/** The results of `ohlc`, over a given group: `ohlcv` shares them. */
export function ohlcOf<In>(
  group: AggregateGroup,
  label: string,
): { readonly [K in OhlcOutput]: Aggregate<In, number | null> } {
  const of = (name: OhlcOutput): Aggregate<In, number | null> => ({
    group,
    output: output(name),
    label: `${name} of ${label}`,
    field: () => FIELDS[name],
    merge: MERGES[name],
  });
  return {
    open: of('open'),
    high: of('high'),
    low: of('low'),
    close: of('close'),
    openTime: of('openTime'),
    openSequence: of('openSequence'),
    closeTime: of('closeTime'),
    closeSequence: of('closeSequence'),
  };
}

/**
 * Open, high, low and close of a field, with event time and sequence of open and close, so that bars merge exactly into
 * wider bars. Open and close go by event time; ties by the sequence field, then by arrival.
 *
 * @example aggregate({ ...ohlc('mid'), count: count() })
 */
export function ohlc<const P extends string>(
  price: P,
): { readonly [K in OhlcOutput]: Aggregate<NumberField<P>, number | null> } {
  return ohlcOf({ bind: (input) => new OhlcState(input, price) }, `ohlc ${price}`);
}
