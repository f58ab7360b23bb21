import { describe, expect, it } from 'vitest';
import type { Ended } from '../../src/schedule/jobProcess.ts';
import { type Job, parseJobs } from '../../src/schedule/jobs.ts';
import { NOTHING_DONE, type Run } from '../../src/schedule/runLedger.ts';
import { type RunnableJob, Scheduler, type SchedulerOptions } from '../../src/schedule/scheduler.ts';

const MINUTE_MS = 60_000;
const POLL_MS = 1_000;
const START_MS = Date.UTC(2026, 0, 5, 9);
const DONE: Ended = { counts: { ...NOTHING_DONE, rowsRead: 3, rowsWritten: 2 }, errorCode: null, error: null };
const FAILED: Ended = { counts: NOTHING_DONE, errorCode: 'TM_SOURCE_RATE', error: 'too often' };

/** A scheduler whose clock moves when it sleeps, with jobs that take as long as they say. */
class Drive {
  nowMs = START_MS;
  mark: string | null = null;
  readonly written: Run[] = [];
  readonly begun: { readonly job: string; readonly minute: number }[] = [];
  endedBy: (job: string, nth: number) => Ended = () => DONE;
  takesMs: Readonly<Record<string, number>> = {};
  locked = new Set<string>();
  /** Of 0 to 1: what the next random numbers are. */
  random = 0;

  async run(yaml: string, minutes: number): Promise<void> {
    const untilMs = this.nowMs + minutes * MINUTE_MS;
    const stop = new AbortController();
    const options: SchedulerOptions = {
      jobs: parseJobs(yaml, 'test'),
      runs: {
        write: async (run) => void this.written.push(run),
        latest: async () => [...this.#byRun().values()].reverse(),
        running: async () => [...this.#byRun().values()].filter(({ state }) => state === 'running'),
      },
      execute: (job, signal) => this.#execute(job, signal),
      markOf: async () => this.mark,
      lock: (job) => this.#lock(job),
      newId: () => `run-${this.written.length}`,
      random: () => this.random,
      now: () => this.nowMs,
      sleep: async (ms, signal) => {
        const atMs = this.nowMs + ms;
        while (this.nowMs < atMs && !signal.aborted) await this.#tick(stop, untilMs);
      },
      pollMs: POLL_MS,
      onRun: () => {},
    };
    await new Scheduler(options).run(stop.signal);
  }

  /** The runs that ended or broke off, in short. */
  get ends(): string[] {
    return [...this.#byRun().values()].map(({ job, attempt, state }) => `${job} ${attempt} ${state}`);
  }

  /** One step of the clock for all that sleep: whoever comes first moves it. */
  #moving: Promise<void> | null = null;
  async #tick(stop: AbortController, untilMs: number): Promise<void> {
    this.#moving ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#moving = null;
        this.nowMs += POLL_MS;
        if (this.nowMs >= untilMs) stop.abort();
        resolve();
      });
    });
    await this.#moving;
  }

  async #execute({ name }: RunnableJob, signal: AbortSignal): Promise<Ended> {
    this.begun.push({ job: name, minute: (this.nowMs - START_MS) / MINUTE_MS });
    const nth = this.begun.filter(({ job }) => job === name).length;
    const untilMs = this.nowMs + (this.takesMs[name] ?? 0);
    while (this.nowMs < untilMs && !signal.aborted) await new Promise((resolve) => setImmediate(resolve));
    return signal.aborted ? { ...FAILED, errorCode: 'TM_INTERRUPTED' } : this.endedBy(name, nth);
  }

  #lock(job: string): { release(): void } | null {
    if (this.locked.has(job)) return null;
    this.locked.add(job);
    return { release: () => void this.locked.delete(job) };
  }

  #byRun(): Map<string, Run> {
    return new Map(this.written.map((run) => [`${run.id} ${run.attempt}`, run]));
  }
}

function minutesOf(drive: Drive, job: string): number[] {
  return drive.begun.filter((each) => each.job === job).map(({ minute }) => Math.round(minute * 10) / 10);
}

describe('a scheduler', () => {
  it('runs a job at the occurrences of its pattern, and writes what came of it', async () => {
    const drive = new Drive();
    await drive.run(`jobs: { a: { command: [x], cron: '*/5 * * * *' } }`, 12);
    expect(minutesOf(drive, 'a')).toEqual([5, 10]);
    expect(drive.written.at(-1)).toMatchObject({
      job: 'a',
      state: 'done',
      attempt: 1,
      scheduledMs: START_MS + 10 * MINUTE_MS,
      startedMs: START_MS + 10 * MINUTE_MS,
      rowsRead: 3,
      rowsWritten: 2,
      command: ['x'],
    });
  });

  it('begins later by a part of the jitter', async () => {
    const drive = new Drive();
    drive.random = 0.5;
    await drive.run(`jobs: { a: { command: [x], cron: '*/5 * * * *', jitterSeconds: 120 } }`, 12);
    expect(minutesOf(drive, 'a')).toEqual([6, 11]);
  });

  it("goes by the wall clock of the job's time zone, over its change to summer time too", async () => {
    const drive = new Drive();
    const jobs = parseJobs(`jobs: { a: { command: [x], cron: '30 18 * * *', timeZone: America/New_York } }`, 'test');
    const { occurrences } = jobs[0] as Job;
    expect(occurrences?.next(Date.UTC(2026, 2, 7))).toBe(Date.UTC(2026, 2, 7, 23, 30));
    expect(occurrences?.next(Date.UTC(2026, 2, 8))).toBe(Date.UTC(2026, 2, 8, 22, 30));
    expect(occurrences?.last(Date.UTC(2026, 2, 8, 22, 30))).toBe(Date.UTC(2026, 2, 8, 22, 30));
    expect(occurrences?.last(Date.UTC(2026, 2, 8, 22, 29))).toBe(Date.UTC(2026, 2, 7, 23, 30));
    expect(drive.begun).toEqual([]);
  });

  it.each([
    ['none', [5, 20]],
    ['last', [5, 17, 20]],
    ['all', [5, 17, 29]],
  ])('does not run a job twice at a time; of what that keeps back, it makes up for %s', async (catchUp, minutes) => {
    const drive = new Drive();
    drive.takesMs = { a: 12 * MINUTE_MS };
    drive.endedBy = (_job, nth) => {
      if (catchUp !== 'all' && nth >= 1) drive.takesMs = { a: 0 };
      return DONE;
    };
    await drive.run(
      `jobs: { a: { command: [x], cron: '*/5 * * * *', catchUp: ${catchUp} } }`,
      catchUp === 'all' ? 30 : 21,
    );
    expect(minutesOf(drive, 'a')).toEqual(minutes);
  });

  it.each([
    ['none', 0],
    ['last', 1],
    ['all', 6],
  ])('makes up for %s of what was missed while it did not run', async (catchUp, count) => {
    const yaml = `jobs: { a: { command: [x], cron: '*/5 * * * *', catchUp: ${catchUp} } }`;
    const drive = new Drive();
    await drive.run(yaml, 6);
    expect(drive.begun).toHaveLength(1);
    drive.nowMs = START_MS + 36 * MINUTE_MS;
    await drive.run(yaml, 2);
    expect(drive.begun).toHaveLength(1 + count);
  });

  it('runs a job once the one before it has succeeded, each time', async () => {
    const drive = new Drive();
    drive.endedBy = (job, nth) => (job === 'a' && nth === 2 ? FAILED : DONE);
    await drive.run(`jobs: { b: { command: [y], after: a }, a: { command: [x], cron: '*/5 * * * *' } }`, 17);
    expect(minutesOf(drive, 'a')).toEqual([5, 10, 15]);
    expect(minutesOf(drive, 'b').map(Math.floor)).toEqual([5, 15]);
  });

  it('tries a job that fails again, as often as it says', async () => {
    const drive = new Drive();
    drive.endedBy = (_job, nth) => (nth < 3 ? FAILED : DONE);
    await drive.run(`jobs: { a: { command: [x], cron: '5 * * * *', attempts: 4, retryAfterSeconds: 120 } }`, 20);
    expect(minutesOf(drive, 'a')).toEqual([5, 7, 9]);
    expect(drive.ends).toEqual(['a 1 failed', 'a 2 failed', 'a 3 done']);
    expect(new Set(drive.written.map(({ id }) => id)).size).toBe(1);
    expect(drive.written.find(({ state }) => state === 'failed')).toMatchObject({ errorCode: 'TM_SOURCE_RATE' });
  });

  it('runs a job whenever data has arrived that was not there at its last run', async () => {
    const drive = new Drive();
    const yaml = 'jobs: { a: { command: [x], when: { file: in.csv } } }';
    await drive.run(yaml, 1);
    expect(drive.begun).toEqual([]);
    drive.mark = 'one';
    await drive.run(yaml, 1);
    expect(drive.begun).toHaveLength(1);
    drive.mark = 'two';
    await drive.run(yaml, 1);
    expect(drive.begun).toHaveLength(2);
  });

  it('has a run that is due wait for its data, and fail when that takes too long', async () => {
    const yaml = `jobs: { a: { command: [x], cron: '5 * * * *', when: { file: in.csv }, waitSeconds: 120 } }`;
    const late = new Drive();
    await late.run(yaml, 10);
    expect(late.begun).toEqual([]);
    expect(late.written.at(-1)).toMatchObject({ state: 'failed', errorCode: 'TM_JOB_WAIT' });

    const inTime = new Drive();
    const arrives = inTime.run(yaml, 10);
    while (inTime.nowMs < START_MS + 6 * MINUTE_MS) await new Promise((resolve) => setImmediate(resolve));
    inTime.mark = 'one';
    await arrives;
    expect(inTime.begun).toHaveLength(1);
    expect(inTime.written.at(-1)).toMatchObject({ state: 'done', mark: 'one' });
  });

  it('marks runs of a process that is gone as interrupted, not those of one that lives', async () => {
    const drive = new Drive();
    const clock = "cron: '5 * * * *', catchUp: none";
    const yaml = `jobs: { a: { command: [x], ${clock} }, b: { command: [y], ${clock} } }`;
    drive.takesMs = { a: 60 * MINUTE_MS, b: 60 * MINUTE_MS };
    await drive.run(yaml, 7);
    expect(drive.ends).toEqual(['a 1 interrupted', 'b 1 interrupted']);

    drive.written.splice(0, drive.written.length, ...drive.written.filter(({ state }) => state === 'running'));
    drive.locked.add('b');
    await drive.run(yaml, 1);
    expect(drive.ends).toEqual(['a 1 interrupted', 'b 1 running']);
  });

  it.each([
    ['none', []],
    ['last', [15]],
    ['all', [5, 10, 15]],
  ])('takes the occurrence of an interrupted run for missed, and makes up for %s', async (catchUp, minutes) => {
    const yaml = `jobs: { a: { command: [x], cron: '*/5 * * * *', catchUp: ${catchUp} } }`;
    const drive = new Drive();
    drive.takesMs = { a: 60 * MINUTE_MS };
    await drive.run(yaml, 7);
    expect(drive.ends).toEqual(['a 1 interrupted']);
    drive.takesMs = {};
    drive.nowMs = START_MS + 16 * MINUTE_MS;
    await drive.run(yaml, 2);
    const again = drive.written.filter(({ state }) => state === 'done');
    expect(again.map(({ scheduledMs }) => (scheduledMs - START_MS) / MINUTE_MS)).toEqual(minutes);
  });

  it.each([
    ['none', 1],
    ['last', 2],
  ])('runs a job after another once more where its run broke off, if it makes up for %s', async (catchUp, count) => {
    const after = `b: { command: [y], after: a, catchUp: ${catchUp} }`;
    const yaml = `jobs: { a: { command: [x], cron: '5 * * * *' }, ${after} }`;
    const drive = new Drive();
    drive.takesMs = { b: 60 * MINUTE_MS };
    await drive.run(yaml, 7);
    drive.takesMs = {};
    await drive.run(yaml, 7);
    expect(minutesOf(drive, 'a')).toEqual([5]);
    expect(drive.begun.filter(({ job }) => job === 'b')).toHaveLength(count);
  });

  it('ends with the error that kept it from writing a run', async () => {
    const drive = new Drive();
    drive.written.push = () => {
      throw new Error('ClickHouse is gone');
    };
    await expect(drive.run(`jobs: { a: { command: [x], cron: '* * * * *' } }`, 5)).rejects.toThrow(
      'ClickHouse is gone',
    );
  });
});
