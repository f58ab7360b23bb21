/** Integers that are added one by one, in an array that doubles. */
export class Int32List {
  #values = new Int32Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The value at an index below the length. */
  at(index: number): number {
    return this.#values[index] as number;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** Takes out the last one; there must be one. */
  pop(): number {
    return this.#values[--this.#length] as number;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of all of them. */
  toArray(): Int32Array {
    return this.#values.slice(0, this.#length);
  }

  /** Takes all of them out. */
  take(): Int32Array {
    const taken = this.toArray();
    this.clear();
    return taken;
  }
}
