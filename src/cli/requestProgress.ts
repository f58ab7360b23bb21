import { startProgress } from './progress.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface RequestProgressOptions {
  readonly stream: NodeJS.WriteStream;
  readonly now: () => number;
  /** The least time that the next so many requests take by the plan's limits. */
  readonly leastMs: (requests: number) => number;
}

/** Shows how many of a round's requests are done, and how long the others take: by their pace so far, and by the plan's limits. */
export class RequestProgress {
  readonly #options: RequestProgressOptions;
  readonly #startMs: number;
  #progress: ReturnType<typeof startProgress> | null = null;
  #rows = 0;

  constructor(options: RequestProgressOptions) {
    this.#options = options;
    this.#startMs = options.now();
  }

  /** So many rows are written; shown with the next request. */
  rows(rows: number): void {
    this.#rows = rows;
  }

  asked(asked: number, of: number): void {
    const { stream, now, leastMs } = this.#options;
    this.#progress ??= startProgress({ unit: 'requests', total: of, stream, now });
    if (of === 0) return;
    const left = of - asked;
    const byPaceMs = asked === 0 ? 0 : ((now() - this.#startMs) / asked) * left;
    const leftText = left === 0 ? '' : `, about ${durationText(Math.max(byPaceMs, leastMs(left)))} left`;
    this.#progress.update(asked, `${this.#rows} rows${leftText}`);
  }

  stop(): void {
    this.#progress?.stop();
  }
}

/** In the unit that says enough, rounded up. */
export function durationText(ms: number): string {
  if (ms <= 2 * MINUTE_MS) return `${Math.ceil(ms / SECOND_MS)} s`;
  if (ms <= 2 * HOUR_MS) return `${Math.ceil(ms / MINUTE_MS)} min`;
  return ms <= 2 * DAY_MS ? `${Math.ceil(ms / HOUR_MS)} h` : `${Math.ceil(ms / DAY_MS)} days`;
}
