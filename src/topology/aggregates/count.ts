import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { type Aggregate, type AggregateState, grownDoubles } from './spec.ts';

class CountState implements AggregateState {
  #counts = new Float64Array(0);

  reserve(capacity: number): void {
    if (this.#counts.length < capacity) this.#counts = grownDoubles(this.#counts, capacity);
  }

  begin(): void {}

  add(slots: Int32Array, from: number, to: number): void {
    const counts = this.#counts;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot >= 0) (counts[slot] as number)++;
    }
  }

  merge(from: number, into: number): void {
    (this.#counts[into] as number) += this.#counts[from] as number;
  }

  clear(slot: number): void {
    this.#counts[slot] = 0;
  }

  write(slot: number, _output: number, builder: ColumnsBuilder, field: number): void {
    builder.setNumber(field, this.#counts[slot] as number);
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
