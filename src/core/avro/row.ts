/**
 * What a field's value is to TypeScript. Longs and timestamps (epoch microseconds) are numbers, exact to 2^53; a decimal
 * is text in plain decimal form ('-1.5'), because no number holds it exactly.
 */
export type AvroValue = string | number | boolean | Uint8Array | null;

/**
 * A decimal in plain form, as a row has it.
 *
 * @example const amount: DecimalText = '-1.50';
 */
export type DecimalText = `${number}`;

/** A record schema as far as types need it. Write it as a literal with `as const`, so that names and types are kept. */
export interface AvroRecordLiteral {
  readonly type: 'record';
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

/**
 * The row type of a record schema: `AvroRow<typeof schema>`. A schema whose literal type is not known gives rows of any
 * fields.
 *
 * @example
 * const schema = { type: 'record', name: 'R', fields: [{ name: 'price', type: ['null', 'double'] }] } as const;
 * type Row = AvroRow<typeof schema>; // { readonly price: number | null }
 */
export type AvroRow<S> = S extends AvroRecordLiteral
  ? { readonly [F in S['fields'][number] as F['name']]: ValueOf<F['type']> }
  : Readonly<Record<string, AvroValue>>;

/** A type given by name alone is an enum that is defined further up: types do not follow the name. */
type ValueOf<T> = T extends readonly (infer Branch)[] ? SingleValue<Branch> : SingleValue<T>;

type SingleValue<T> = T extends keyof Primitives
  ? Primitives[T]
  : T extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbol extends string)[] }
    ? Symbol
    : T extends { readonly type: 'bytes'; readonly logicalType: 'decimal' }
      ? DecimalText
      : T extends { readonly type: infer Inner extends keyof Primitives }
        ? Primitives[Inner]
        : T extends string
          ? string
          : AvroValue;

interface Primitives {
  null: null;
  boolean: boolean;
  int: number;
  long: number;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array;
}
