import { storedGeneration } from '../query/bars.ts';
import { type ApiParts, TOPOLOGY } from './parts.ts';

/**
 * The generation that a request reads. It is asked for at each request; meanwhile the one of the request before is read
 * already, which nearly always is the same. What was read of another is thrown away.
 */
export class ServedGeneration {
  readonly #clickhouse: ApiParts['clickhouse'];
  #last: number | null = null;

  constructor(clickhouse: ApiParts['clickhouse']) {
    this.#clickhouse = clickhouse;
  }

  /** @param read of a generation; null when nothing is stored yet */
  async read<T>(read: (generation: number | null) => Promise<T>, discard: (unused: T) => void): Promise<T> {
    const asked = storedGeneration(this.#clickhouse, TOPOLOGY);
    const guess = this.#last;
    const guessed = guess === null ? null : read(guess);
    // Whatever the guess comes to counts only once it is known to be right.
    guessed?.catch(() => undefined);
    const served = await asked.catch((error: unknown) => {
      guessed?.then(discard, () => undefined);
      throw error;
    });
    if (guessed !== null && served === guess) return guessed;
    guessed?.then(discard, () => undefined);
    this.#last = served;
    return read(served);
  }
}
