import { Cron } from 'croner';

/** The instants of a cron pattern on a time zone's wall clock, as epoch milliseconds. */
export class Occurrences {
  readonly #cron: Cron;

  /** @throws Error for a pattern or a time zone that is none */
  constructor(pattern: string, timeZone: string) {
    this.#cron = new Cron(pattern, { timezone: timeZone, mode: '5-or-6-parts', paused: true });
    if (this.next(0) === Number.POSITIVE_INFINITY) throw new RangeError('there is no such day');
  }

  /** The first one after an instant; infinity where there is none any more. */
  next(afterMs: number): number {
    return this.#cron.nextRun(new Date(afterMs))?.getTime() ?? Number.POSITIVE_INFINITY;
  }

  /** The last one up to an instant; minus infinity where there is none. */
  last(toMs: number): number {
    const [last] = this.#cron.previousRuns(1, new Date(toMs + 1));
    return last?.getTime() ?? Number.NEGATIVE_INFINITY;
  }
}
