import type { SlotPart } from '../../core/slotRecords.ts';

/** A map from number to number for each slot that holds something. */
export class SlotMaps implements SlotPart {
  readonly #maps: (Map<number, number> | undefined)[] = [];

  reserve(): boolean {
    return false;
  }

  get(slot: number): ReadonlyMap<number, number> | undefined {
    return this.#maps[slot];
  }

  /** The slot's map; a new one if it has none. */
  open(slot: number): Map<number, number> {
    this.#maps[slot] ??= new Map();
    return this.#maps[slot];
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) this.#maps[slot] = undefined;
  }

  snapshot(slots: Int32Array): readonly (ReadonlyMap<number, number> | undefined)[] {
    return Array.from(slots, (slot) => (this.#maps[slot] === undefined ? undefined : new Map(this.#maps[slot])));
  }

  restore(slots: Int32Array, saved: ReturnType<SlotMaps['snapshot']>): void {
    saved.forEach((map, index) => {
      if (map !== undefined) this.#maps[slots[index] as number] = new Map(map);
    });
  }
}

/** A list of entries for each slot that holds something; an entry is a few numbers, side by side. */
export class SlotLists implements SlotPart {
  readonly #lists: (number[] | undefined)[] = [];

  reserve(): boolean {
    return false;
  }

  get(slot: number): readonly number[] {
    return this.#lists[slot] ?? [];
  }

  /** The slot's list; a new one if it has none. */
  open(slot: number): number[] {
    this.#lists[slot] ??= [];
    return this.#lists[slot];
  }

  /** Adds what a slot holds to another. */
  append(from: number, into: number): void {
    const source = this.#lists[from];
    if (source === undefined) return;
    const target = this.open(into);
    for (let k = 0; k < source.length; k++) target.push(source[k] as number);
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) this.#lists[slot] = undefined;
  }

  snapshot(slots: Int32Array): readonly Float64Array[] {
    return Array.from(slots, (slot) => Float64Array.from(this.get(slot)));
  }

  restore(slots: Int32Array, saved: readonly Float64Array[]): void {
    saved.forEach((list, index) => {
      if (list.length > 0) this.#lists[slots[index] as number] = Array.from(list);
    });
  }
}
