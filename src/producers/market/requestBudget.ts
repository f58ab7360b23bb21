import { TidemarkError } from '../../errors.ts';

/** At most so many requests in any stretch of time of this length. */
export interface RateLimit {
  readonly requests: number;
  readonly windowMs: number;
}

/** Where the times of past requests are kept, so that restarts and other processes go by them as well. */
export interface BudgetStore {
  /** Changes the times kept under a name, as one step that no other process sees half of; gives what `change` gives. */
  update<T>(
    name: string,
    change: (times: readonly number[]) => { readonly times: readonly number[]; readonly result: T },
  ): T;
}

export interface RequestBudgetOptions {
  readonly store: BudgetStore;
  /** The plan that is shared: all budgets of this name are one. */
  readonly name: string;
  readonly limits: readonly RateLimit[];
  /** One that would have to wait longer gives up. */
  readonly maxWaitMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Keeps requests within a plan's limits, over every window of time, wherever it begins. It keeps the times themselves: counting by
 * the clock's minutes, as rate limiting packages do, lets twice as many through around a minute's turn. Of the times, as many
 * are kept as the largest limit has requests. A day is any 24 hours: vendors do not say where theirs begin.
 */
export class RequestBudget {
  readonly #options: RequestBudgetOptions;
  readonly #kept: number;
  readonly #longestMs: number;

  constructor(options: RequestBudgetOptions) {
    this.#options = options;
    this.#kept = Math.max(0, ...options.limits.map(({ requests }) => requests));
    this.#longestMs = Math.max(0, ...options.limits.map(({ windowMs }) => windowMs));
  }

  /**
   * Resolves when a request may be sent, which has then been counted; without counting when the signal is aborted.
   * @throws TM_SOURCE_QUOTA when that would be later than `maxWaitMs` from now
   */
  async take(signal: AbortSignal): Promise<void> {
    const { store, name, maxWaitMs, wait } = this.#options;
    if (this.#kept === 0) return;
    while (!signal.aborted) {
      const waitMs = store.update(name, (times) => this.#tryNow(times));
      if (waitMs === 0) return;
      if (waitMs > maxWaitMs) {
        throw new TidemarkError('TM_SOURCE_QUOTA', `the plan has no request left for the next ${minutes(waitMs)}`, {
          hint: 'run the command again then; the limits are in the vendor’s section of the configuration',
        });
      }
      await wait(waitMs, signal);
    }
  }

  /** How long the next so many requests take at least. */
  leastMs(requests: number): number {
    const { store, name, limits, now } = this.#options;
    const sent = store.update(name, (times) => ({ times, result: times }));
    return leastDurationMs(requests, limits, this.#sound(sent), now());
  }

  /** Counts a request of now, or says how long it has to wait. `sent` is rising. */
  #tryNow(sent: readonly number[]): { readonly times: readonly number[]; readonly result: number } {
    const now = this.#options.now();
    const times = this.#sound(sent);
    let from = now;
    for (const { requests, windowMs } of this.#options.limits) {
      const oldest = times[times.length - requests];
      if (oldest !== undefined) from = Math.max(from, oldest + windowMs);
    }
    if (from > now) return { times, result: from - now };
    const last = times.at(-1) ?? now;
    // Where the clock was set back, times go on from the last one: a window is rather kept too long than too short.
    return { times: [...times, Math.max(now, last)].slice(-this.#kept), result: 0 };
  }

  /** Times further ahead than any window are of a clock that was wrong: as if of now, they hold back for a window and no longer. */
  #sound(times: readonly number[]): readonly number[] {
    const now = this.#options.now();
    const last = times.at(-1);
    return last !== undefined && last > now + this.#longestMs ? times.map((time) => Math.min(time, now)) : times;
  }
}

/** The least time until so many requests are sent, from `nowMs` on, after those of the times `sent`. */
export function leastDurationMs(
  requests: number,
  limits: readonly RateLimit[],
  sent: readonly number[] = [],
  nowMs = 0,
): number {
  const times = [...sent];
  let last = nowMs;
  for (let request = 0; request < requests; request++) {
    last = limits.reduce((from, limit) => {
      const oldest = times[times.length - limit.requests];
      return oldest === undefined ? from : Math.max(from, oldest + limit.windowMs);
    }, last);
    times.push(last);
  }
  return last - nowMs;
}

function minutes(ms: number): string {
  return `${Math.ceil(ms / 60_000)} minutes`;
}
