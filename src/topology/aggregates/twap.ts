import type { NumberColumn } from '../../core/columns.ts';
import { DecimalSums } from '../../core/decimalSums.ts';
import { ScaledColumn } from '../../core/scaledColumn.ts';
import type { Chunk, Shape } from '../elements.ts';
import { RowOrder } from './rowOrder.ts';
import { SlotLists } from './slotCollections.ts';
import { SlotState } from './slotState.ts';
import { type Aggregate, type NumberField, numberColumn, numberField } from './spec.ts';
import { HIGHEST_INPUT_SCALE, SUM_SCALE } from './sumState.ts';

/** An entry is a record's event time, sequence, arrival and price. */
const ENTRY = 4;

class TwapState extends SlotState {
  readonly #field: string;
  readonly #order: RowOrder;
  readonly #lists = new SlotLists();
  protected readonly parts = [this.#lists];
  #column: NumberColumn = { kind: 'double', values: new Float64Array(0) };

  constructor(input: Shape, field: string) {
    super();
    this.#field = numberField(input, field).name;
    this.#order = new RowOrder(input);
  }

  begin(chunk: Chunk): void {
    this.#column = numberColumn(chunk, this.#field);
    this.#order.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const { values, nulls } = this.#column;
    const { timesMicros, arrivals } = this.#order;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      const price = values[row] as number;
      if (slot < 0 || nulls?.[row] === 1 || !Number.isFinite(price)) continue;
      const sequence = this.#order.sequenceAt(row);
      this.#lists.open(slot).push(timesMicros[row] as number, sequence, arrivals[row] as number, price);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) this.#lists.append(from[i] as number, into[i] as number);
  }

  results(_output: number, slots: Int32Array, endsMicros: Float64Array): NumberColumn {
    const sums = new DecimalSums(SUM_SCALE);
    const durations = new DecimalSums(0);
    for (const part of [sums, durations]) part.reserve(slots.length);
    const values = new Float64Array(slots.length);
    const nulls = new Uint8Array(slots.length);
    const prices = new ScaledColumn(HIGHEST_INPUT_SCALE);
    const weights = new ScaledColumn(0);
    for (let i = 0; i < slots.length; i++) {
      const steps = stepsOf(this.#lists.get(slots[i] as number), endsMicros[i] as number);
      prices.read({ kind: 'double', values: steps.prices });
      weights.read({ kind: 'double', values: steps.durations });
      const rows = Int32Array.from(steps.prices, (_, row) => row);
      const into = new Int32Array(rows.length).fill(i);
      sums.addProducts(rows, into, 0, rows.length, prices, weights);
      durations.addColumn(rows, into, 0, rows.length, weights);
      if (rows.length === 0) nulls[i] = 1;
      else values[i] = sums.ratio(i, durations);
    }
    return { kind: 'double', values, nulls };
  }
}

/** The price that holds at each instant of which there is one, and how long: until the next, the last one until the end. */
function stepsOf(
  list: readonly number[],
  endMicros: number,
): { readonly prices: Float64Array; readonly durations: Float64Array } {
  const entries = Array.from({ length: list.length / ENTRY }, (_, index) =>
    list.slice(index * ENTRY, index * ENTRY + ENTRY),
  );
  entries.sort((a, b) => compareNumbers(a[0], b[0]) || compareNumbers(a[1], b[1]) || compareNumbers(a[2], b[2]));
  const holding = entries.filter(([time], index) => entries[index + 1]?.[0] !== time);
  return {
    prices: Float64Array.from(holding, ([, , , price]) => price as number),
    durations: Float64Array.from(holding, ([time], index) => (holding[index + 1]?.[0] ?? endMicros) - (time as number)),
  };
}

/** Also of infinite ones. */
function compareNumbers(a = 0, b = 0): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * The time-weighted average price over a window: each price holds from its event time until the next record's, the last one
 * until the window's end; the time before the first does not count. Of records of one instant the last one (by sequence,
 * then arrival) holds. The double nearest to the exact value. Nulls are skipped; null when there is nothing else.
 * Its state grows with the number of records.
 *
 * @example aggregate({ average: twap('price') })
 */
export function twap<const P extends string>(price: P): Aggregate<NumberField<P>, number | null> {
  return {
    group: { bind: (input) => new TwapState(input, price) },
    output: 0,
    label: `twap ${price}`,
    field: () => ({ kind: 'double', nullable: true }),
    merge: null,
  };
}
