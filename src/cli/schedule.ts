import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Job } from '../schedule/jobs.ts';
import type { Run, RunLedger } from '../schedule/runLedger.ts';
import type { SchedulerOptions } from '../schedule/scheduler.ts';
import { withRunAlerts } from './alerts.ts';
import type { Act, Context, GlobalOptions } from './context.ts';
import { pause } from './pause.ts';
import { textTable } from './table.ts';

const EXAMPLES = `
A schedule file names jobs: commands of tidemark, and when they are to run. See examples/schedule.yaml. A job runs once at a time;
runs are rows of the table runs. Stopped or killed, it goes on from them when it is started again.

Examples:
  Run the jobs until Ctrl-C:
    $ tidemark schedule examples/schedule.yaml

  What would run next:
    $ tidemark schedule examples/schedule.yaml --dry-run

  What has run:
    $ tidemark runs list`;

export function declareSchedule(program: Command, act: Act): void {
  program
    .command('schedule')
    .description('Run commands by the clock, after each other, or when data arrives.')
    .argument('<file>', 'the jobs (YAML)')
    .option('--dry-run', 'only say when each job runs next')
    .addHelpText('after', EXAMPLES)
    .action(act(schedule));
}

async function schedule(context: Context, command: Command): Promise<void> {
  const [path = ''] = command.args;
  const { parseJobs } = await import('../schedule/jobs.ts');
  const jobs = parseJobs(readSchedule(path), path);
  await checkCommands(jobs, command, path);
  if (command.opts<{ dryRun?: boolean }>().dryRun === true) return printNext(context, jobs);
  const { Scheduler } = await import('../schedule/scheduler.ts');
  await withLedger(context, async (runs) => {
    const options = await runOptions(context, command, runs);
    context.err.write(`${jobs.length} jobs; Ctrl-C ends it\n`);
    const attempts = new Map(jobs.map((job) => [job.name, job.attempts]));
    await withRunAlerts(context, attempts, async (tell) => {
      const onRun = (run: Run): void => {
        options.onRun(run);
        tell(run);
      };
      await new Scheduler({ ...options, jobs, random: Math.random, onRun }).run(context.signal);
    });
  });
}

/** @throws TM_SCHEDULE when a job's command is none of tidemark's */
async function checkCommands(jobs: readonly Job[], { parent }: Command, where: string): Promise<void> {
  const { nearest } = await import('../config/nearest.ts');
  const names = parent?.commands.map((each) => each.name()) ?? [];
  for (const { name, command } of jobs) {
    const [first = ''] = command;
    if (names.includes(first)) continue;
    const near = nearest(first, names);
    throw new TidemarkError(
      'TM_SCHEDULE',
      `jobs.${name}.command begins with ${first}, which is no command of tidemark`,
      {
        where,
        hint: near === null ? 'tidemark --help lists them; it is without the word tidemark.' : `Did you mean ${near}?`,
      },
    );
  }
}

function readSchedule(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TidemarkError('TM_SCHEDULE', 'the schedule file cannot be read', {
      where: path,
      hint: 'Give the path of a readable YAML file, such as examples/schedule.yaml.',
      cause,
    });
  }
}

async function printNext({ json, out }: Context, jobs: readonly Job[]): Promise<void> {
  const nowMs = Date.now();
  const rows = jobs.map(({ name, occurrences, after, when, command }) => {
    const next = occurrences?.next(nowMs) ?? Number.POSITIVE_INFINITY;
    const nextRun = Number.isFinite(next) ? new Date(next).toISOString() : null;
    return { job: name, next: nextRun, after, when, command };
  });
  if (json) return out.line(JSON.stringify(rows));
  const whenText = (when: Job['when']) => (when === null ? null : Object.entries(when).flat().join(' '));
  const cells = rows.map(({ job, next, after, when, command }) => [
    job,
    next,
    after,
    whenText(when),
    command.join(' '),
  ]);
  await out.write(textTable(['job', 'next', 'after', 'when', 'command'], cells));
}

type RunOptions = Omit<SchedulerOptions, 'jobs' | 'random'>;

/** Calls `use` with the runs, over a ClickHouse that is open meanwhile. */
export async function withLedger(context: Context, use: (runs: RunLedger) => Promise<void>): Promise<void> {
  const { migrate } = await import('../sinks/clickhouse/migrate.ts');
  const { RunLedger } = await import('../schedule/runLedger.ts');
  const clickhouse = await context.openClickHouse();
  try {
    await migrate(clickhouse);
    await use(new RunLedger(clickhouse));
  } finally {
    await clickhouse.close();
  }
}

/** What running jobs takes. */
export async function runOptions(context: Context, command: Command, runs: RunLedger): Promise<RunOptions> {
  const { config, err } = context;
  const { pollMs, lookTimeoutMs, graceMs, maxOutput } = config.schedule;
  const { runProcess } = await import('../schedule/jobProcess.ts');
  const { markOf } = await import('../schedule/arrivals.ts');
  const { acquireProcessLock } = await import('../log/embedded/processLock.ts');
  const { randomUUID } = await import('node:crypto');
  const executable = [process.execPath, process.argv[1] ?? '', ...globalFlags(command)] as const;
  return {
    runs,
    execute: ({ command: words, timeoutMs }, signal) =>
      runProcess(words, { executable, timeoutMs, graceMs, maxOutput, signal }),
    markOf: (arrival) => markOf(arrival, { openLog: context.openLog, fetch, timeoutMs: lookTimeoutMs }),
    lock: (job) => {
      const lock = acquireProcessLock(join(config.data.directory, 'locks', `job-${job}`));
      return 'release' in lock ? lock : null;
    },
    newId: randomUUID,
    now: Date.now,
    sleep: pause,
    pollMs,
    onRun: (run) => err.write(runLine(run)),
  };
}

/** The flags that a command of a job is to have as well. */
function globalFlags(command: Command): readonly string[] {
  const { config, data, brokers, registry } = command.optsWithGlobals<GlobalOptions>();
  return Object.entries({ config, data, brokers, registry }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
}

function runLine({ job, attempt, state, startedMs, endedMs, rowsWritten, errorCode, error }: Run): string {
  const at = new Date(endedMs ?? startedMs).toISOString();
  const what =
    state === 'done' ? `, ${rowsWritten} rows written` : errorCode === null ? '' : `: ${errorCode}: ${error}`;
  return `${at} ${job}: ${state}${attempt > 1 ? ` (attempt ${attempt})` : ''}${what}\n`;
}
