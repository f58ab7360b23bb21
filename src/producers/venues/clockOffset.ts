/** Measured over one to two of these. */
const STRETCH_MICROS = 60_000_000;
/** Fewer may all have been slow. */
const LEAST_MESSAGES = 100;

/**
 * How far this machine's clock is ahead of a venue's: the least time from the venue's stamp to the receipt, of the latest minute or two.
 * The way of a message only adds to it, so the clock is ahead by at most this, and one that is below zero is behind for sure.
 */
export class ClockOffset {
  #fromMicros = Number.NEGATIVE_INFINITY;
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #messages = 0;

  observe(sentMicros: number, receivedMicros: number): void {
    if (Math.abs(receivedMicros - this.#fromMicros) >= STRETCH_MICROS) {
      this.#fromMicros = receivedMicros;
      this.#leastBefore = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
    }
    this.#least = Math.min(this.#least, receivedMicros - sentMicros);
    this.#messages++;
  }

  /** Null before enough messages have come. */
  get micros(): number | null {
    return this.#messages < LEAST_MESSAGES ? null : Math.min(this.#least, this.#leastBefore);
  }
}
