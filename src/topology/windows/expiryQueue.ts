/** Keys and the instants at which something of theirs expires, about in order. */
export class ExpiryQueue {
  readonly #keyIds: number[] = [];
  readonly #instants: number[] = [];
  #taken = 0;

  push(keyId: number, instant: number): void {
    this.#keyIds.push(keyId);
    this.#instants.push(instant);
  }

  /** Takes out the next key if its instant has come; -1 otherwise. */
  take(watermark: number): number {
    const at = this.#taken;
    const instant = this.#instants[at];
    if (instant === undefined || watermark < instant) return -1;
    const keyId = this.#keyIds[at] as number;
    this.#taken = at + 1;
    if (this.#taken * 2 >= this.#instants.length) {
      this.#keyIds.splice(0, this.#taken);
      this.#instants.splice(0, this.#taken);
      this.#taken = 0;
    }
    return keyId;
  }
}
