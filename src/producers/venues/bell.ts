/**
 * Wakes all who wait for something to change: `while (!isThere()) await bell.next();`. What is looked at changes only in between,
 * so that no ring is missed.
 */
export class Bell {
  #wake: () => void = () => {};
  #next: Promise<void> = this.#renewed();

  ring(): void {
    this.#wake();
    this.#next = this.#renewed();
  }

  /** Resolves when it rings next. */
  next(): Promise<void> {
    return this.#next;
  }

  #renewed(): Promise<void> {
    return new Promise((wake) => {
      this.#wake = wake;
    });
  }
}
