import { type CellPool, cellPool } from './cellPool.ts';
import type { Column, Columns } from './columns.ts';
import type { FieldSchema } from './schema.ts';

const INITIAL_CAPACITY = 1024;

/**
 * Rows that outlive the chunks they came in, in columns: each has a slot, and a slot that was freed is used again. So memory
 * goes by the rows that are kept, not by the chunks that they came in. Slots are given out round and round, so that rows that came
 * together, and mostly leave together, lie together; at most half of them are in use, so the next free one is near.
 */
export class RowPool {
  readonly #cells: ReadonlyMap<string, CellPool>;
  /** 1 for slots in use; as many as there are. A power of two. */
  #isUsed = new Uint8Array(INITIAL_CAPACITY);
  #size = 0;
  /** Where to look for a free slot. */
  #next = 0;

  constructor(fields: readonly FieldSchema[]) {
    this.#cells = new Map(fields.map((field) => [field.name, cellPool(field, INITIAL_CAPACITY)]));
  }

  /** Rows kept now. */
  get size(): number {
    return this.#size;
  }

  /** Copies rows of columns; gives the slot of each. */
  put(columns: Columns, rows: Int32Array): Int32Array {
    const slots = new Int32Array(rows.length);
    this.#size += slots.length;
    if (this.#size * 2 > this.#isUsed.length) this.#grow();
    const isUsed = this.#isUsed;
    const mask = isUsed.length - 1;
    let next = this.#next;
    for (let i = 0; i < slots.length; i++) {
      while (isUsed[next] === 1) next = (next + 1) & mask;
      isUsed[next] = 1;
      slots[i] = next;
    }
    this.#next = next;
    for (const [name, cells] of this.#cells) cells.put(columns.byName.get(name) as Column, rows, slots);
    return slots;
  }

  free(slot: number): void {
    this.#isUsed[slot] = 0;
    this.#size--;
  }

  /** The rows of slots, in the order given; a slot of -1 gives nulls. */
  gather(slots: Int32Array): Columns {
    return {
      length: slots.length,
      byName: new Map(Array.from(this.#cells, ([name, cells]) => [name, cells.gather(slots)])),
    };
  }

  #grow(): void {
    let capacity = this.#isUsed.length;
    while (capacity < this.#size * 2) capacity *= 2;
    const isUsed = new Uint8Array(capacity);
    isUsed.set(this.#isUsed);
    this.#isUsed = isUsed;
    for (const cells of this.#cells.values()) cells.grow(capacity);
  }
}
