import type { Condition } from './alert.ts';
import type { AlertDesk } from './alertDesk.ts';

/** What became of a run of a job, as far as alerts go. */
export interface RunOutcome {
  readonly id: string;
  readonly job: string;
  readonly state: 'running' | 'done' | 'failed' | 'interrupted';
  readonly attempt: number;
  readonly errorCode: string | null;
  readonly error: string | null;
}

export interface FailedRunsOptions {
  /** The desk of a job: who runs it is the only one to tell of it. */
  readonly deskOf: (job: string) => AlertDesk;
  /** By job: how often a run of it is tried. A failure before the last attempt is no trouble yet. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Tells of jobs whose run failed, or broke off with its process, until one is done. */
export class FailedRuns {
  readonly #options: FailedRunsOptions;
  readonly #desks: Map<string, AlertDesk>;

  constructor(options: FailedRunsOptions) {
    this.#options = options;
    // At once: what an earlier process had yet to send is sent.
    this.#desks = new Map(Array.from(options.attempts.keys(), (job) => [job, options.deskOf(job)]));
  }

  onRun(run: RunOutcome): void {
    const { deskOf, attempts, now } = this.#options;
    const most = attempts.get(run.job) ?? 1;
    if (run.state === 'running' || (run.state === 'failed' && run.attempt < most)) return;
    const desk = this.#desks.get(run.job) ?? deskOf(run.job);
    this.#desks.set(run.job, desk);
    desk.update([conditionOf(run, most)], now());
  }
}

function conditionOf({ id, job, state, attempt, errorCode, error }: RunOutcome, most: number): Condition {
  const why = errorCode === null ? '' : `: ${errorCode}: ${error}`;
  return {
    id: `failedRun ${job}`,
    kind: 'failedRun',
    title: `job ${job}`,
    detail: `its run ${id} ${state === 'failed' ? 'failed' : `was ${state}`}${why}`,
    value: attempt,
    threshold: most,
    isFiring: state !== 'done',
  };
}
