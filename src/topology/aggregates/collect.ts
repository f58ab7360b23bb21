import type { Column } from '../../core/columns.ts';
import type { Chunk } from '../elements.ts';
import { CodedState } from './codedState.ts';
import { SlotLists } from './slotCollections.ts';
import { type Aggregate, type AnyField, fieldOf } from './spec.ts';
import { textColumn } from './textColumn.ts';

/** An entry is the place of arrival and the value's code. */
const ENTRY = 2;

class CollectState extends CodedState {
  readonly #lists = new SlotLists();
  #arrivals: Float64Array = new Float64Array(0);

  override begin(chunk: Chunk): void {
    super.begin(chunk);
    this.#arrivals = chunk.arrivals;
  }

  protected addCode(slot: number, code: number, row: number): void {
    this.codes.retain(code);
    this.#lists.open(slot).push(this.#arrivals[row] as number, code);
  }

  merge(from: Int32Array, into: Int32Array): void {
    // Pair by pair: a slot that takes something may give it on in the same batch.
    for (let i = 0; i < from.length; i++) {
      const source = from[i] as number;
      for (const code of this.#codesOf(source)) this.codes.retain(code);
      this.#lists.append(source, into[i] as number);
    }
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) for (const code of this.#codesOf(slot)) this.codes.release(code);
    this.#lists.clear(slots);
  }

  snapshot(slots: Int32Array): readonly { readonly arrivals: Float64Array; readonly values: unknown }[] {
    return Array.from(slots, (slot) => {
      const arrivals = Float64Array.from(this.#lists.get(slot).filter((_, index) => index % ENTRY === 0));
      return { arrivals, values: this.codes.save(this.#codesOf(slot)) };
    });
  }

  restore(slots: Int32Array, saved: ReturnType<CollectState['snapshot']>): void {
    saved.forEach(({ arrivals, values }, index) => {
      if (arrivals.length === 0) return;
      const list = this.#lists.open(slots[index] as number);
      this.codes.load(values).forEach((code, k) => {
        this.codes.retain(code);
        list.push(arrivals[k] as number, code);
      });
    });
  }

  results(_output: number, slots: Int32Array): Column {
    return textColumn(Array.from(slots, (slot) => `[${this.#inOrder(slot).join(',')}]`));
  }

  #codesOf(slot: number): Float64Array {
    return Float64Array.from(this.#lists.get(slot).filter((_, index) => index % ENTRY === 1));
  }

  /** The values in order of arrival, as JSON. */
  #inOrder(slot: number): readonly string[] {
    const list = this.#lists.get(slot);
    const entries = Array.from({ length: list.length / ENTRY }, (_, index) => index * ENTRY);
    entries.sort((a, b) => (list[a] as number) - (list[b] as number));
    return entries.map((at) => this.codes.json(list[at + 1] as number));
  }
}

/**
 * All values of a field of any kind in order of arrival, nulls included, as the JSON text of an array: numbers and booleans
 * as such, text and decimals as strings, bytes in base64: `[10.5,null,10.75]`. Its state grows with the number of records.
 *
 * @example aggregate({ prices: collect('price') })
 */
export function collect<const F extends string>(field: F): Aggregate<AnyField<F>, string> {
  return {
    group: { bind: (input) => new CollectState(input, field) },
    output: 0,
    label: `collect ${field}`,
    field: (input) => {
      fieldOf(input, field);
      return { kind: 'string', nullable: false };
    },
    merge: null,
  };
}
