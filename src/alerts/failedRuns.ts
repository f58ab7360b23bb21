import { AlertBook, type Condition } from './alert.ts';
import type { Outgoing } from './outgoing.ts';

/** What became of a run of a job, as far as alerts go. */
export interface RunOutcome {
  readonly job: string;
  readonly state: 'running' | 'done' | 'failed' | 'interrupted';
  readonly attempt: number;
  readonly errorCode: string | null;
  readonly error: string | null;
}

export interface FailedRunsOptions {
  readonly repeatMs: number;
  readonly outgoing: readonly Outgoing[];
  /** By job: how often a run of it is tried. A failure before the last attempt is no trouble yet. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Tells of jobs whose run failed, or broke off with its process, until one is done. */
export class FailedRuns {
  readonly #options: FailedRunsOptions;
  readonly #book: AlertBook;
  readonly #latest = new Map<string, Condition>();

  constructor(options: FailedRunsOptions) {
    this.#options = options;
    this.#book = new AlertBook(options.repeatMs);
  }

  onRun(run: RunOutcome): void {
    const { outgoing, attempts, now } = this.#options;
    const most = attempts.get(run.job) ?? 1;
    if (run.state === 'running' || (run.state === 'failed' && run.attempt < most)) return;
    this.#latest.set(run.job, conditionOf(run, most));
    for (const alert of this.#book.update([...this.#latest.values()], now())) {
      for (const each of outgoing) each.add(alert);
    }
  }
}

function conditionOf({ job, state, attempt, errorCode, error }: RunOutcome, most: number): Condition {
  const why = errorCode === null ? '' : `: ${errorCode}: ${error}`;
  return {
    id: `failedRun ${job}`,
    kind: 'failedRun',
    title: `job ${job}`,
    detail: `its run was ${state === 'failed' ? 'a failure' : state}${why}`,
    value: attempt,
    threshold: most,
    isFiring: state !== 'done',
  };
}
