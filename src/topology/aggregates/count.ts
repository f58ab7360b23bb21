import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { SlotRecords, SlotState } from './slotState.ts';
import type { Aggregate } from './spec.ts';

class CountState extends SlotState {
  readonly #counts = new SlotRecords(1);
  protected readonly parts = [this.#counts];

  begin(): void {}

  add(_rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const counts = this.#counts.values;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot >= 0) (counts[slot] as number)++;
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const counts = this.#counts.values;
    for (let i = 0; i < from.length; i++) (counts[into[i] as number] as number) += counts[from[i] as number] as number;
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    builder.setNumber(field, this.#counts.values[slot] as number);
  }
}

/**
 * How many records the window holds, whatever their fields.
 *
 * @example aggregate({ trades: count() })
 */
export function count(): Aggregate<unknown, number> {
  return {
    group: { bind: () => new CountState() },
    output: 0,
    label: 'count',
    field: () => ({ kind: 'long', nullable: false }),
    merge: { how: 'sum' },
  };
}
