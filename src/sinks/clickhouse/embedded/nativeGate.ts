/** libuv's own default (https://docs.libuv.org/en/v1.x/threadpool.html). */
const DEFAULT_POOL_THREADS = 4;
const FEWEST_OPERATIONS = 2;

/**
 * Bounds how many engine calls run at once. Each holds a thread of libuv's pool while it runs, and files, DNS and
 * compression wait on the same threads: half of them stay free. `UV_THREADPOOL_SIZE` widens the pool.
 */
export class NativeGate {
  #free = Math.max(FEWEST_OPERATIONS, (Number(process.env.UV_THREADPOOL_SIZE) || DEFAULT_POOL_THREADS) / 2);
  readonly #waiting: (() => void)[] = [];

  /** Runs the call when there is room, in order of arrival. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#free >= 1) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
