import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Chunk, Shape } from '../elements.ts';
import {
  comparePlace,
  PLACE_ARRIVAL,
  PLACE_SEQUENCE,
  PLACE_TIME,
  PLACE_WIDTH,
  RowOrder,
  setPlace,
} from './rowOrder.ts';
import { SlotRecords, SlotState } from './slotState.ts';
import { numberColumn, numberField } from './spec.ts';

export type Pick = 'first' | 'last' | 'earliest' | 'latest';

const PLACE = 0;
const SEEN = PLACE_WIDTH;
const VALUE = SEEN + 1;
const WIDTH = VALUE + 1;

/** One value of a field, chosen by arrival (`first`, `last`) or by event time and sequence (`earliest`, `latest`). */
export class PickedState extends SlotState {
  readonly #field: string;
  /** Keep what comes before (1) or after (-1) the value held. */
  readonly #direction: 1 | -1;
  readonly #byArrival: boolean;
  readonly #order: RowOrder;
  readonly #records = new SlotRecords(WIDTH);
  protected readonly parts = [this.#records];
  #values: Float64Array = new Float64Array(0);
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string, pick: Pick) {
    super();
    this.#field = numberField(input, field).name;
    this.#direction = pick === 'first' || pick === 'earliest' ? 1 : -1;
    this.#byArrival = pick === 'first' || pick === 'last';
    this.#order = new RowOrder(input);
  }

  begin(chunk: Chunk): void {
    const column = numberColumn(chunk, this.#field);
    this.#values = column.values;
    this.#nulls = column.nulls;
    this.#order.begin(chunk);
  }

  add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const order = this.#order;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      const row = rows[i] as number;
      if (slot < 0 || this.#nulls?.[row] === 1) continue;
      const time = this.#byArrival ? 0 : (order.timesMicros[row] as number);
      const sequence = this.#byArrival ? 0 : order.sequenceAt(row);
      this.#offer(slot, this.#values[row] as number, time, sequence, order.arrivals[row] as number);
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const records = this.#records.values;
    for (let i = 0; i < from.length; i++) {
      const at = (from[i] as number) * WIDTH;
      if (records[at + SEEN] === 0) continue;
      const time = records[at + PLACE_TIME] as number;
      const sequence = records[at + PLACE_SEQUENCE] as number;
      const arrival = records[at + PLACE_ARRIVAL] as number;
      this.#offer(into[i] as number, records[at + VALUE] as number, time, sequence, arrival);
    }
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    const records = this.#records.values;
    if (records[slot * WIDTH + SEEN] === 0) builder.setNull(field);
    else builder.setNumber(field, records[slot * WIDTH + VALUE] as number);
  }

  #offer(slot: number, value: number, tsMicros: number, sequence: number, arrival: number): void {
    const records = this.#records.values;
    const at = slot * WIDTH;
    const isHeld = records[at + SEEN] === 1;
    if (isHeld && comparePlace(records, at + PLACE, tsMicros, sequence, arrival) * this.#direction > 0) return;
    records[at + SEEN] = 1;
    records[at + VALUE] = value;
    setPlace(records, at + PLACE, tsMicros, sequence, arrival);
  }
}
