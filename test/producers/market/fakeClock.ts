import type { BudgetStore } from '../../../src/producers/market/requestBudget.ts';

/** A clock that moves only when somebody waits; those who wait wake in the order of their times. */
export class FakeClock {
  readonly now = (): number => this.#ms;
  #ms: number;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  #running = 0;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Resolves when the clock has come so far. With several who run (`runAll`), it moves on once all of them wait. */
  readonly wait = (ms: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ at: this.#ms + ms, wake });
      this.#sleepers.sort((a, b) => a.at - b.at);
      if (this.#sleepers.length >= this.#running) this.#wakeNext();
    });

  /** Runs bodies side by side. */
  async runAll(bodies: readonly (() => Promise<void>)[]): Promise<void> {
    this.#running = bodies.length;
    await Promise.all(
      bodies.map(async (body) => {
        await body();
        this.#running--;
        if (this.#running > 0 && this.#sleepers.length >= this.#running) this.#wakeNext();
      }),
    );
  }

  #wakeNext(): void {
    const next = this.#sleepers.shift();
    if (next === undefined) return;
    this.#ms = Math.max(this.#ms, next.at);
    next.wake();
  }
}

/** What a store on a disk does, as JSON in memory. */
export function memoryStore(): BudgetStore {
  const stored = new Map<string, string>();
  return {
    update(name, change) {
      const { times, result } = change(JSON.parse(stored.get(name) ?? '[]') as readonly number[]);
      stored.set(name, JSON.stringify(times));
      return result;
    },
  };
}
