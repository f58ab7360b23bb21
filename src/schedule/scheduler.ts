import type { Ended } from './jobProcess.ts';
import type { Arrival, Job } from './jobs.ts';
import type { Occurrences } from './occurrences.ts';
import { NOTHING_DONE, type Run } from './runLedger.ts';

/** Where runs are kept: the part of the ledger that a scheduler needs. */
export interface Runs {
  write(run: Run): Promise<void>;
  latest(): Promise<readonly Run[]>;
  running(): Promise<readonly Run[]>;
}

export interface SchedulerOptions {
  readonly jobs: readonly Job[];
  readonly runs: Runs;
  readonly execute: (job: RunnableJob, signal: AbortSignal) => Promise<Ended>;
  readonly markOf: (arrival: Arrival) => Promise<string | null>;
  /** Null where another process runs the job now. */
  readonly lock: (job: string) => { release(): void } | null;
  readonly newId: () => string;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after so long, or once the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly pollMs: number;
  readonly onRun: (run: Run) => void;
}

/** What running a job once takes of it. */
export type RunnableJob = Pick<Job, 'name' | 'command' | 'configHash' | 'when' | 'waitMs' | 'timeoutMs'>;

/** A run that is due. */
export interface Due {
  readonly scheduledMs: number;
  /** What it is to run on has arrived: what that is now. Null where it is still to be waited for, or there is none. */
  readonly mark: string | null;
  /** What it was when the job ran last. */
  readonly markBefore: string | null;
}

interface Watched {
  readonly job: Job;
  /** Since when nothing has kept its occurrences from being run. */
  freeSinceMs: number;
  latest: Run | null;
  /** Of the occurrence that comes next. */
  jitter: { readonly forMs: number; readonly ms: number } | null;
  running: Promise<void> | null;
}

/**
 * Runs jobs when they are due, each at most once at a time. All that it goes by is in the ledger, so that one that was killed
 * goes on: its runs are marked `interrupted`, and what was missed is made up for as each job says.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  #startedMs = 0;
  /** What ends the scheduler: a run that could not be written. */
  #failure: { readonly error: unknown } | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#watched = new Map(
      options.jobs.map((job) => [job.name, { job, freeSinceMs: 0, latest: null, jitter: null, running: null }]),
    );
  }

  /** Runs jobs until the signal aborts; the commands that run then are ended, and their runs `interrupted`. */
  async run(signal: AbortSignal): Promise<void> {
    const { now, pollMs, sleep } = this.#options;
    await this.#takeUp();
    while (!signal.aborted && this.#failure === null) {
      for (const watched of this.#watched.values()) {
        if (watched.running !== null) continue;
        const due = await this.#dueOf(watched, now());
        if (due !== null) this.#start(watched, due, signal);
      }
      await sleep(pollMs, signal);
    }
    await Promise.all(Array.from(this.#watched.values(), ({ running }) => running));
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #takeUp(): Promise<void> {
    const { runs, lock, now, onRun } = this.#options;
    for (const run of await runs.running()) {
      const held = lock(run.job);
      if (held === null) continue;
      const interrupted: Run = { ...run, state: 'interrupted', endedMs: now() };
      await runs.write(interrupted);
      held.release();
      onRun(interrupted);
    }
    this.#startedMs = now();
    for (const watched of this.#watched.values()) watched.freeSinceMs = this.#startedMs;
    for (const run of await runs.latest()) {
      const watched = this.#watched.get(run.job);
      if (watched !== undefined) watched.latest = run;
    }
  }

  async #dueOf(watched: Watched, nowMs: number): Promise<Due | null> {
    const { job } = watched;
    const { occurrences } = job;
    const scheduledMs =
      occurrences === null ? this.#dueAfter(watched, nowMs) : this.#dueByClock(watched, occurrences, nowMs);
    if (scheduledMs === null) return null;
    if (job.when === null) return { scheduledMs, mark: null, markBefore: null };
    // What an interrupted run was for is still to be done.
    const markBefore = watched.latest?.state === 'interrupted' ? null : (watched.latest?.mark ?? null);
    const mark = await this.#options.markOf(job.when);
    const hasArrived = mark !== null && mark !== markBefore;
    // Without a clock or another job, it is due by arrival alone; with one, its run waits for it.
    if (!hasArrived && job.occurrences === null && job.after === null) return null;
    return { scheduledMs, mark: hasArrived ? mark : null, markBefore };
  }

  #dueByClock(watched: Watched, occurrences: Occurrences, nowMs: number): number | null {
    const { job, latest, freeSinceMs } = watched;
    const doneMs = latest?.scheduledMs ?? this.#startedMs;
    const passedMs = isMissed(watched) ? doneMs - 1 : doneMs;
    const at = job.catchUp === 'all' ? occurrences.next(passedMs) : occurrences.last(nowMs);
    if (at <= passedMs || at > nowMs) return null;
    if (job.catchUp === 'none' && at < freeSinceMs) return null;
    return nowMs >= at + this.#jitterOf(watched, at) ? at : null;
  }

  #jitterOf(watched: Watched, forMs: number): number {
    if (watched.jitter?.forMs !== forMs) {
      watched.jitter = { forMs, ms: this.#options.random() * watched.job.jitterMs };
    }
    return watched.jitter.ms;
  }

  /** A job after another is due once that has succeeded since this one began last; one with neither is always due. */
  #dueAfter(watched: Watched, nowMs: number): number | null {
    const { job, latest } = watched;
    if (job.after === null) return nowMs;
    const before = this.#watched.get(job.after)?.latest;
    if (before?.state !== 'done' || before.endedMs === null) return null;
    const isNew = latest === null || before.endedMs > latest.startedMs;
    return isNew || isMissed(watched) ? before.endedMs : null;
  }

  #start(watched: Watched, due: Due, signal: AbortSignal): void {
    const { lock, now } = this.#options;
    const held = lock(watched.job.name);
    if (held === null) return;
    const attempts = this.#attempts(watched, due, signal).catch((error: unknown) => {
      this.#failure ??= { error };
    });
    watched.running = attempts.finally(() => {
      held.release();
      watched.running = null;
      watched.freeSinceMs = now();
    });
  }

  async #attempts(watched: Watched, due: Due, signal: AbortSignal): Promise<void> {
    const { job } = watched;
    const id = this.#options.newId();
    for (let attempt = 1; attempt <= job.attempts && !signal.aborted; attempt++) {
      if (attempt > 1) await this.#options.sleep(job.retryAfterMs, signal);
      if (signal.aborted) return;
      const run = await runOnce(this.#options, job, { id, attempt, ...due }, signal);
      watched.latest = run;
      if (run.state !== 'failed') return;
    }
  }
}

/** Whether what the last run was for counts as missed: the run broke off, and the job makes up for what is missed. */
function isMissed({ job, latest }: Watched): boolean {
  return latest?.state === 'interrupted' && job.catchUp !== 'none';
}

/** Runs a job once and writes what came of it. */
export async function runOnce(
  options: Pick<SchedulerOptions, 'runs' | 'execute' | 'markOf' | 'now' | 'sleep' | 'pollMs' | 'onRun'>,
  job: RunnableJob,
  { id, attempt, scheduledMs, mark, markBefore }: Due & { readonly id: string; readonly attempt: number },
  signal: AbortSignal,
): Promise<Run> {
  const { runs, now, onRun } = options;
  const begun: Run = {
    id,
    job: job.name,
    attempt,
    state: 'running',
    scheduledMs,
    startedMs: now(),
    endedMs: null,
    ...NOTHING_DONE,
    errorCode: null,
    error: null,
    configHash: job.configHash,
    command: job.command,
    timeoutMs: job.timeoutMs,
    mark,
  };
  await runs.write(begun);
  onRun(begun);
  const arrived = mark ?? (job.when === null ? null : await waitFor(options, job.when, job.waitMs, markBefore, signal));
  const ended = job.when !== null && arrived === null ? notArrived(job) : await options.execute(job, signal);
  const { counts, errorCode, error } = ended;
  const state = signal.aborted && errorCode !== null ? 'interrupted' : errorCode === null ? 'done' : 'failed';
  const run: Run = { ...begun, ...counts, state, endedMs: now(), errorCode, error, mark: arrived };
  await runs.write(run);
  onRun(run);
  return run;
}

/** Waits until data is there; null once that has taken too long. */
async function waitFor(
  { markOf, now, sleep, pollMs }: Pick<SchedulerOptions, 'markOf' | 'now' | 'sleep' | 'pollMs'>,
  arrival: Arrival,
  waitMs: number,
  markBefore: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const untilMs = now() + waitMs;
  while (!signal.aborted && now() < untilMs) {
    await sleep(pollMs, signal);
    const mark = await markOf(arrival);
    if (mark !== null && mark !== markBefore) return mark;
  }
  return null;
}

function notArrived({ waitMs }: RunnableJob): Ended {
  return {
    counts: NOTHING_DONE,
    errorCode: 'TM_JOB_WAIT',
    error: `what it waits for did not arrive in ${waitMs / 1_000} s`,
  };
}
