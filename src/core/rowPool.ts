import { type CellPool, cellPool } from './cellPool.ts';
import type { Column, Columns } from './columns.ts';
import type { FieldSchema } from './schema.ts';

const INITIAL_CAPACITY = 1024;

/**
 * Rows that outlive the chunks they came in, in columns: each has a slot, and a slot that was freed is used again. So memory
 * goes by the rows that are kept, not by the chunks that they came in.
 */
export class RowPool {
  readonly #cells: ReadonlyMap<string, CellPool>;
  readonly #free: number[] = [];
  #used = 0;
  #capacity = INITIAL_CAPACITY;

  constructor(fields: readonly FieldSchema[]) {
    this.#cells = new Map(fields.map((field) => [field.name, cellPool(field, INITIAL_CAPACITY)]));
  }

  /** Rows kept now. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** Copies rows of columns; gives the slot of each. */
  put(columns: Columns, rows: Int32Array): Int32Array {
    const slots = new Int32Array(rows.length);
    for (let i = 0; i < slots.length; i++) slots[i] = this.#free.pop() ?? this.#used++;
    if (this.#used > this.#capacity) this.#grow();
    for (const [name, cells] of this.#cells) cells.put(columns.byName.get(name) as Column, rows, slots);
    return slots;
  }

  free(slot: number): void {
    this.#free.push(slot);
  }

  /** The rows of slots, in the order given; a slot of -1 gives nulls. */
  gather(slots: Int32Array): Columns {
    return {
      length: slots.length,
      byName: new Map(Array.from(this.#cells, ([name, cells]) => [name, cells.gather(slots)])),
    };
  }

  #grow(): void {
    while (this.#capacity < this.#used) this.#capacity *= 2;
    for (const cells of this.#cells.values()) cells.grow(this.#capacity);
  }
}
