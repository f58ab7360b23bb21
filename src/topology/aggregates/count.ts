import type { NumberColumn } from '../../core/columns.ts';
import { DROP, SHOW, type Slides, TAKE } from '../../core/slides.ts';
import { SlotRecords } from '../../core/slotRecords.ts';
import type { Chunk, Shape } from '../elements.ts';
import { SlotState } from './slotState.ts';
import { type Aggregate, type AnyField, fieldOf } from './spec.ts';

class CountState extends SlotState {
  protected readonly counts = new SlotRecords(1);
  protected readonly parts = [this.counts];

  begin(_chunk: Chunk): void {}

  add(_rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    const counts = this.counts.values;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot >= 0) (counts[slot] as number)++;
    }
  }

  merge(from: Int32Array, into: Int32Array): void {
    const counts = this.counts.values;
    for (let i = 0; i < from.length; i++) (counts[into[i] as number] as number) += counts[from[i] as number] as number;
  }

  slide({ count, kinds, stretches, slots }: Slides, out: number): void {
    const counts = this.counts.values;
    const [take, drop, show] = [TAKE, DROP, SHOW];
    let shown = out;
    for (let i = 0; i < count; i++) {
      const kind = kinds[i];
      const stretch = stretches[i] as number;
      if (kind === take) (counts[stretch] as number) += counts[slots[i] as number] as number;
      else if (kind === drop) (counts[stretch] as number) -= counts[slots[i] as number] as number;
      else if (kind === show) counts[shown++] = counts[stretch] as number;
      else counts[stretch] = 0;
    }
  }

  results(_output: number, slots: Int32Array): NumberColumn {
    const counts = this.counts.values;
    const values = new Float64Array(slots.length);
    for (let i = 0; i < slots.length; i++) values[i] = counts[slots[i] as number] as number;
    return { kind: 'long', values };
  }
}

/** How many records have a field. */
class PresentState extends CountState {
  readonly #field: string;
  #nulls: Uint8Array | undefined;

  constructor(input: Shape, field: string) {
    super();
    this.#field = fieldOf(input, field).name;
  }

  override begin(chunk: Chunk): void {
    this.#nulls = chunk.columns.byName.get(this.#field)?.nulls;
  }

  override add(rows: Int32Array, slots: Int32Array, from: number, to: number): void {
    if (this.#nulls === undefined) {
      super.add(rows, slots, from, to);
      return;
    }
    const counts = this.counts.values;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot >= 0 && this.#nulls[rows[i] as number] !== 1) (counts[slot] as number)++;
    }
  }
}

/**
 * How many records the window holds, whatever their fields; with a field, how many of them have it (are not null there).
 *
 * @example aggregate({ trades: count(), numbered: count('sequence') })
 */
export function count(): Aggregate<unknown, number>;
export function count<const F extends string>(field: F): Aggregate<AnyField<F>, number>;
export function count(field?: string): Aggregate<never, number> {
  return {
    group: { bind: (input) => (field === undefined ? new CountState() : new PresentState(input, field)) },
    output: 0,
    label: field === undefined ? 'count' : `count ${field}`,
    field: () => ({ kind: 'long', nullable: false }),
    merge: { how: 'sum' },
  };
}
