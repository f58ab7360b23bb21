/** What the broker reports about the records of one append. */
export class Delivery {
  firstOffset = Number.POSITIVE_INFINITY;
  lastOffset = -1;
  /** Resolves once the broker has all records; rejects with the first failure. */
  readonly done: Promise<void>;
  #left: number;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(records: number) {
    this.#left = records;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A failure that comes before it is waited for is not lost: `done` keeps it.
    this.done.catch(() => {});
    if (records === 0) this.#resolve();
  }

  /** librdkafka reports each record once, at the latest when its time is up. */
  report(error: unknown, offset: number): void {
    if (error !== null && error !== undefined) {
      this.#reject(error);
      return;
    }
    this.firstOffset = Math.min(this.firstOffset, offset);
    this.lastOffset = Math.max(this.lastOffset, offset);
    this.#left--;
    if (this.#left === 0) this.#resolve();
  }
}
