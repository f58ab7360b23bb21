import type { NumberColumn } from '../../core/columns.ts';
import { SlotRecords } from '../../core/slotRecords.ts';
import type { Chunk, Shape } from '../elements.ts';
import { DecimalExtremeState } from './decimalExtremeState.ts';
import { SlotState } from './slotState.ts';
import { type AggregateState, exactField, numberColumn, numberField, numbersOf } from './spec.ts';

const SEEN = 0;
const EXTREME = 1;
const WIDTH = 2;

/** The lowest (`sign` 1) or highest (`sign` -1) value of a field: the state of `min` and `max`. */
export function extremeState(input: Shape, field: string, sign: 1 | -1): AggregateState {
  const { kind, name, precision = 0, scale = 0 } = exactField(input, field);
  return kind === 'decimal'
    ? new DecimalExtremeState({ name, precision, scale }, sign)
    : new ExtremeState(input, field, sign);
}

class ExtremeState extends SlotState {
  readonly #field: string;
  readonly #kind: NumberColumn['kind'];
  readonly #sign: 1 | -1;
  readonly #records = new SlotRecords(WIDTH);
  protected readonly parts = [this.#records];
  #values: Float64Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, sign: 1 | -1) {
    super();
    this.#field = field;
    this.#kind = numberField(input, field).kind;
    this.#sign = sign;
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values;
    this.#nulls = column.nulls;
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const values = this.#values;
    const nulls = this.#nulls;
    const records = this.#records.values;
    const sign = this.#sign;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      // Without the sign of -0, which is not above and not below 0.
      const value = (values[row] as number) + 0;
      if (slot >= 0 && nulls?.[row] !== 1 && !Number.isNaN(value)) offer(records, slot * WIDTH, value, sign);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const records = this.#records.values;
    for (let i = 0; i < from.length; i++) {
      const at = (from[i] as number) * WIDTH;
      if (records[at + SEEN] === 0) continue;
      offer(records, (into[i] as number) * WIDTH, records[at + EXTREME] as number, this.#sign);
    }
  }

  results(_output: number, slots: Int32Array): NumberColumn {
    const records = this.#records.values;
    return numbersOf(this.#kind, slots, (slot) => {
      const at = slot * WIDTH;
      return records[at + SEEN] === 0 ? Number.NaN : (records[at + EXTREME] as number);
    });
  }
}

function offer(records: Float64Array, at: number, value: number, sign: 1 | -1): void {
  if (records[at + SEEN] === 1 && (value - (records[at + EXTREME] as number)) * sign >= 0) return;
  records[at + SEEN] = 1;
  records[at + EXTREME] = value;
}
