import type { NumberColumn } from '../../core/columns.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotMaps } from './slotCollections.ts';
import { SlotState } from './slotState.ts';
import { type Aggregate, type NumberField, numberColumn, numberField, numbersOf } from './spec.ts';

/** The bucket of 0. Those of other values are 2i and, for negative ones, 2i + 1. */
const ZERO = Number.POSITIVE_INFINITY;

/**
 * DDSketch (C. Masson, J. E. Rim, H. K. Lee, VLDB 2019) without a bound on its buckets, so that merging is exact: bucket i
 * counts the values in (γ^(i-1), γ^i]. Written here because @datadog/sketches-js (2.1.1) loses negative values when sketches
 * are merged, and cannot save one without a package that it does not depend on.
 */
class QuantileState extends SlotState {
  readonly #field: string;
  readonly #quantile: number;
  readonly #gamma: number;
  readonly #logGamma: number;
  readonly #counts = new SlotMaps();
  protected readonly parts = [this.#counts];
  #column: NumberColumn = { kind: 'double', values: new Float64Array(0) };

  constructor(input: Shape, field: string, quantile: number, relativeError: number) {
    super();
    this.#field = numberField(input, field).name;
    this.#quantile = quantile;
    this.#gamma = (1 + relativeError) / (1 - relativeError);
    this.#logGamma = Math.log(this.#gamma);
  }

  begin(chunk: Chunk): void {
    this.#column = numberColumn(chunk, this.#field);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const { values, nulls } = this.#column;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      const value = values[row] as number;
      if (slot >= 0 && nulls?.[row] !== 1 && Number.isFinite(value)) this.#count(slot, this.#bucketOf(value), 1);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) {
      for (const [bucket, count] of this.#counts.get(from[i] as number) ?? []) {
        this.#count(into[i] as number, bucket, count);
      }
    }
  }

  results(_output: number, slots: Int32Array): NumberColumn {
    return numbersOf('double', slots, (slot) => this.#quantileOf(slot));
  }

  #quantileOf(slot: number): number {
    const buckets = Array.from(
      this.#counts.get(slot) ?? [],
      ([bucket, count]) => [this.#valueOf(bucket), count] as const,
    );
    buckets.sort(([a], [b]) => a - b);
    const total = buckets.reduce((sum, [, count]) => sum + count, 0);
    const rank = Math.floor(this.#quantile * (total - 1));
    let below = 0;
    for (const [value, count] of buckets) {
      below += count;
      if (below > rank) return value;
    }
    return Number.NaN;
  }

  #count(slot: number, bucket: number, count: number): void {
    const counts = this.#counts.open(slot);
    counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  }

  #bucketOf(value: number): number {
    if (value === 0) return ZERO;
    return 2 * Math.ceil(Math.log(Math.abs(value)) / this.#logGamma) + (value < 0 ? 1 : 0);
  }

  /** The value that is within the relative error of every value of a bucket. */
  #valueOf(bucket: number): number {
    if (bucket === ZERO) return 0;
    const isNegative = bucket % 2 !== 0;
    const magnitude = (2 * this.#gamma ** ((bucket - (isNegative ? 1 : 0)) / 2)) / (this.#gamma + 1);
    return isNegative ? -magnitude : magnitude;
  }
}

/**
 * The value below which a share `q` of a field's values lies, of n values the one of rank ⌊q (n - 1)⌋, with a relative error
 * of at most 1% or as given (DDSketch). However records were split and merged, the result is the same. Its state grows with
 * the logarithm of the range of values: 346 buckets a factor of 1000, at 1%. Nulls are skipped, infinite values as well; null
 * when there is nothing else.
 *
 * @example aggregate({ median: quantile('price', 0.5), p99: quantile('size', 0.99, { relativeError: 0.001 }) })
 * @throws TM_TOPOLOGY when q is not from 0 to 1, or the error not between 0 and 1
 */
export function quantile<const F extends string>(
  field: F,
  q: number,
  { relativeError = 0.01 }: { readonly relativeError?: number } = {},
): Aggregate<NumberField<F>, number | null> {
  if (!(q >= 0 && q <= 1)) throw new TidemarkError('TM_TOPOLOGY', `quantile('${field}', ${q}): from 0 to 1`);
  if (!(relativeError > 0 && relativeError < 1)) {
    throw new TidemarkError('TM_TOPOLOGY', `quantile('${field}', ${q}): a relative error lies between 0 and 1`);
  }
  return {
    group: { bind: (input) => new QuantileState(input, field, q, relativeError) },
    output: 0,
    label: `quantile ${field} ${q} within ${relativeError}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
