import { Int32List } from '../../core/int32List.ts';

const EMPTY = -1;
const FEWEST = 8;

/**
 * One slice of a level: a slot for each key that has records in it, in the order of their first records. A slot is found by
 * its key in an open-addressing table of the slice's own, which is small, and which goes as a whole with the slice.
 */
export class Slice {
  readonly start: number;
  /** The watermark from which on nothing needs it. */
  readonly keptUntil: number;
  readonly slots = new Int32List();
  #table: Int32Array;
  #shift: number;

  /** @param expected how many slots there may be: it grows where there are more */
  constructor(start: number, keptUntil: number, expected: number) {
    this.start = start;
    this.keptUntil = keptUntil;
    const bits = 33 - Math.clz32(Math.max(expected, FEWEST) - 1);
    this.#table = new Int32Array(2 ** bits).fill(EMPTY);
    this.#shift = 32 - bits;
  }

  /** The slot of a key, or -1. `keyIds` are those of all slots. */
  find(keyId: number, keyIds: Int32Array): number {
    return this.#table[this.#placeOf(keyId, keyIds)] as number;
  }

  /** Takes in the slot of a key that has none yet. */
  add(slot: number, keyIds: Int32Array): void {
    this.slots.push(slot);
    if (this.slots.length * 2 > this.#table.length) this.#grow(keyIds);
    else this.#table[this.#placeOf(keyIds[slot] as number, keyIds)] = slot;
  }

  /** Where a key's slot is, or would be. */
  #placeOf(keyId: number, keyIds: Int32Array): number {
    const table = this.#table;
    const mask = table.length - 1;
    // Fibonacci hashing (Knuth 6.4): ids are consecutive, and are to stay apart whatever part of them comes.
    let at = Math.imul(keyId, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const slot = table[at] as number;
      if (slot === EMPTY || keyIds[slot] === keyId) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(keyIds: Int32Array): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(EMPTY);
    this.#shift--;
    for (let i = 0; i < this.slots.length; i++) {
      const slot = this.slots.at(i);
      this.#table[this.#placeOf(keyIds[slot] as number, keyIds)] = slot;
    }
  }
}
