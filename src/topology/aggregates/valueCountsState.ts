import type { Column } from '../../core/columns.ts';
import type { Shape } from '../elements.ts';
import { CodedState } from './codedState.ts';
import type { FieldCodes } from './fieldCodes.ts';
import { SlotMaps } from './slotCollections.ts';

/** How often each value of a field occurs, nulls aside: the state of `countDistinct` and `topK`. */
export class ValueCountsState extends CodedState {
  readonly #counts = new SlotMaps();
  readonly #column: (counts: readonly ReadonlyMap<number, number>[], codes: FieldCodes) => Column;

  /** @param column makes the results of slots */
  constructor(
    input: Shape,
    field: string,
    column: (counts: readonly ReadonlyMap<number, number>[], codes: FieldCodes) => Column,
  ) {
    super(input, field);
    this.#column = column;
  }

  protected addCode(slot: number, code: number): void {
    if (!Number.isNaN(code)) this.#count(slot, code, 1);
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) {
      for (const [code, count] of this.#counts.get(from[i] as number) ?? [])
        this.#count(into[i] as number, code, count);
    }
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) for (const code of this.#counts.get(slot)?.keys() ?? []) this.codes.release(code);
    this.#counts.clear(slots);
  }

  snapshot(slots: Int32Array): readonly { readonly values: unknown; readonly counts: Float64Array }[] {
    return Array.from(slots, (slot) => {
      const counts = this.#counts.get(slot) ?? new Map<number, number>();
      const values = this.codes.save(Float64Array.from(counts.keys()));
      return { values, counts: Float64Array.from(counts.values()) };
    });
  }

  restore(slots: Int32Array, saved: ReturnType<ValueCountsState['snapshot']>): void {
    saved.forEach(({ values, counts }, index) => {
      this.codes.load(values).forEach((code, k) => {
        this.#count(slots[index] as number, code, counts[k] as number);
      });
    });
  }

  results(_output: number, slots: Int32Array): Column {
    return this.#column(
      Array.from(slots, (slot) => this.#counts.get(slot) ?? new Map()),
      this.codes,
    );
  }

  #count(slot: number, code: number, count: number): void {
    const counts = this.#counts.open(slot);
    const held = counts.get(code);
    if (held === undefined) this.codes.retain(code);
    counts.set(code, (held ?? 0) + count);
  }
}
