const EMPTY = -1;

/** Finds the slot of (key id, start). Open addressing in typed arrays: a look-up allocates nothing. */
export class SlotIndex {
  #keyIds = new Int32Array(1024).fill(EMPTY);
  #starts = new Float64Array(1024);
  #slots = new Int32Array(1024);
  #size = 0;

  /** The slot, or -1. */
  get(keyId: number, start: number): number {
    const at = this.#find(keyId, start);
    return this.#keyIds[at] === EMPTY ? EMPTY : (this.#slots[at] as number);
  }

  set(keyId: number, start: number, slot: number): void {
    const at = this.#find(keyId, start);
    const isNew = this.#keyIds[at] === EMPTY;
    this.#keyIds[at] = keyId;
    this.#starts[at] = start;
    this.#slots[at] = slot;
    if (isNew && ++this.#size * 2 > this.#keyIds.length) this.#grow();
  }

  /** Backward-shift deletion (Knuth 6.4, algorithm R): no tombstones, so look-ups stay short. */
  delete(keyId: number, start: number): void {
    let hole = this.#find(keyId, start);
    if (this.#keyIds[hole] === EMPTY) return;
    const mask = this.#keyIds.length - 1;
    let at = hole;
    for (;;) {
      at = (at + 1) & mask;
      const movedKey = this.#keyIds[at] as number;
      if (movedKey === EMPTY) break;
      const home = this.#home(movedKey, this.#starts[at] as number);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        this.#keyIds[hole] = movedKey;
        this.#starts[hole] = this.#starts[at] as number;
        this.#slots[hole] = this.#slots[at] as number;
        hole = at;
      }
    }
    this.#keyIds[hole] = EMPTY;
    this.#size--;
  }

  #home(keyId: number, start: number): number {
    const low = (start % 4_294_967_296) | 0;
    const high = Math.floor(start / 4_294_967_296) | 0;
    let hash = Math.imul(keyId, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & (this.#keyIds.length - 1);
  }

  #find(keyId: number, start: number): number {
    const mask = this.#keyIds.length - 1;
    let at = this.#home(keyId, start);
    while (this.#keyIds[at] !== EMPTY && (this.#keyIds[at] !== keyId || this.#starts[at] !== start)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  #grow(): void {
    const keyIds = this.#keyIds;
    const starts = this.#starts;
    const slots = this.#slots;
    this.#keyIds = new Int32Array(keyIds.length * 2).fill(EMPTY);
    this.#starts = new Float64Array(this.#keyIds.length);
    this.#slots = new Int32Array(this.#keyIds.length);
    for (let i = 0; i < keyIds.length; i++) {
      if (keyIds[i] === EMPTY) continue;
      const at = this.#find(keyIds[i] as number, starts[i] as number);
      this.#keyIds[at] = keyIds[i] as number;
      this.#starts[at] = starts[i] as number;
      this.#slots[at] = slots[i] as number;
    }
  }
}
