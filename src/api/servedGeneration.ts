import { type BarsQuery, type StoredBars, storedBars } from '../query/bars.ts';
import { type ApiParts, TOPOLOGY } from './parts.ts';

/**
 * Where a request reads bars: the served generation, and whether there are published ones. It is asked for at each request;
 * meanwhile where the request before had read is read already, which nearly always is the same. What was read elsewhere is
 * thrown away.
 */
export class ServedGeneration {
  readonly #clickhouse: ApiParts['clickhouse'];
  #last: StoredBars | null = null;

  constructor(clickhouse: ApiParts['clickhouse']) {
    this.#clickhouse = clickhouse;
  }

  async read<T>(
    query: Pick<BarsQuery, 'interval' | 'symbol'>,
    read: (stored: StoredBars) => Promise<T>,
    discard: (unused: T) => void,
  ): Promise<T> {
    const asked = storedBars(this.#clickhouse, TOPOLOGY, query);
    const guess = this.#last;
    const guessed = guess === null ? null : read(guess);
    // Whatever the guess comes to counts only once it is known to be right.
    guessed?.catch(() => undefined);
    const served = await asked.catch((error: unknown) => {
      guessed?.then(discard, () => undefined);
      throw error;
    });
    if (guessed !== null && guess !== null && isSame(served, guess)) return guessed;
    guessed?.then(discard, () => undefined);
    this.#last = served;
    return read(served);
  }
}

function isSame(one: StoredBars, other: StoredBars): boolean {
  return one.generation === other.generation && one.hasPublished === other.hasPublished;
}
