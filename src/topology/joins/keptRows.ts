/** Rows of one side that were released and may match rows to come: a list a key, in the order in which they came out. */
export class KeptRows {
  /** By slot. */
  #next = new Int32Array(1024);
  #times = new Float64Array(1024);
  #offsets = new Float64Array(1024);
  /** By key id; -1 for none. */
  #heads = new Int32Array(0);
  #tails = new Int32Array(0);

  add(slot: number, keyId: number, time: number, offset: number): void {
    this.#reserveSlot(slot);
    this.#reserveKey(keyId);
    this.#next[slot] = -1;
    this.#times[slot] = time;
    this.#offsets[slot] = offset;
    const tail = this.#tails[keyId] as number;
    if (tail === -1) this.#heads[keyId] = slot;
    else this.#next[tail] = slot;
    this.#tails[keyId] = slot;
  }

  /** One more than the highest key id that ever had rows. */
  get keyCapacity(): number {
    return this.#heads.length;
  }

  /** First row of a key; -1 for none. */
  first(keyId: number): number {
    return keyId < this.#heads.length ? (this.#heads[keyId] as number) : -1;
  }

  next(slot: number): number {
    return this.#next[slot] as number;
  }

  timeOf(slot: number): number {
    return this.#times[slot] as number;
  }

  offsetOf(slot: number): number {
    return this.#offsets[slot] as number;
  }

  /** Takes out the key's first rows that are at or before a time; their slots go to `dropped`. */
  dropUpTo(keyId: number, time: number, dropped: number[]): void {
    let slot = this.first(keyId);
    while (slot !== -1 && (this.#times[slot] as number) <= time) {
      const next = this.#next[slot] as number;
      dropped.push(slot);
      slot = next;
    }
    if (keyId >= this.#heads.length) return;
    this.#heads[keyId] = slot;
    if (slot === -1) this.#tails[keyId] = -1;
  }

  #reserveSlot(slot: number): void {
    if (slot < this.#next.length) return;
    const capacity = Math.max(slot + 1, this.#next.length * 2);
    const next = new Int32Array(capacity);
    next.set(this.#next);
    this.#next = next;
    const times = new Float64Array(capacity);
    times.set(this.#times);
    this.#times = times;
    const offsets = new Float64Array(capacity);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }

  #reserveKey(keyId: number): void {
    if (keyId < this.#heads.length) return;
    const capacity = Math.max(keyId + 1, this.#heads.length * 2);
    const heads = new Int32Array(capacity).fill(-1);
    heads.set(this.#heads);
    this.#heads = heads;
    const tails = new Int32Array(capacity).fill(-1);
    tails.set(this.#tails);
    this.#tails = tails;
  }
}
