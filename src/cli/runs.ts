import { type Command, InvalidArgumentError } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Run } from '../schedule/runLedger.ts';
import type { Act, Context } from './context.ts';
import { runOptions, withLedger } from './schedule.ts';
import { textTable } from './table.ts';

const LISTED_RUNS = 20;
const MOST_LISTED_RUNS = 10_000;

const EXAMPLES = `
Examples:
  The last runs of a job:
    $ tidemark runs list --job nightly --limit 5

  All of one run, and once more:
    $ tidemark runs show 0f8fad5b-d9cb-469f-a165-70867728950e
    $ tidemark runs retry 0f8fad5b-d9cb-469f-a165-70867728950e

  In SQL:
    $ tidemark query "SELECT job, state, count() FROM runs GROUP BY job, state"`;

export function declareRuns(program: Command, act: Act): void {
  const runs = program.command('runs').description('What scheduled jobs did.').addHelpText('after', EXAMPLES);
  runs
    .command('list')
    .description('The newest runs, the newest first.')
    .option('--job <name>', 'of one job')
    .option('--limit <count>', 'most runs', parseLimit, LISTED_RUNS)
    .action(act(list));
  runs.command('show').description('All attempts of a run.').argument('<id>', 'of the run').action(act(show));
  runs
    .command('retry')
    .description('Run the command of a run once more, now, as its next attempt.')
    .argument('<id>', 'of the run')
    .action(act(retry));
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_LISTED_RUNS) return limit;
  throw new InvalidArgumentError(`It is a whole number from 1 to ${MOST_LISTED_RUNS}.`);
}

async function list(context: Context, command: Command): Promise<void> {
  const { job = null, limit } = command.opts<{ job?: string; limit: number }>();
  await withLedger(context, async (ledger) => {
    const runs = await ledger.list(job, limit);
    if (context.json) return context.out.line(JSON.stringify(runs.map(shown)));
    if (runs.length === 0) {
      const of = job === null ? '' : ` of the job ${job}`;
      context.err.write(`no runs${of}; tidemark schedule makes some\n`);
      return;
    }
    const header = ['id', 'job', 'attempt', 'state', 'started', 'seconds', 'read', 'written', 'rejected', 'error'];
    await context.out.write(textTable(header, runs.map(cellsOf)));
  });
}

function cellsOf({ id, job, attempt, state, startedMs, endedMs, ...run }: Run): (string | number | null)[] {
  const seconds = endedMs === null ? null : Math.round((endedMs - startedMs) / 1_000);
  const started = new Date(startedMs).toISOString();
  return [id, job, attempt, state, started, seconds, run.rowsRead, run.rowsWritten, run.rejected, run.errorCode];
}

async function show(context: Context, command: Command): Promise<void> {
  const [id = ''] = command.args;
  await withLedger(context, async (ledger) => {
    const attempts = (await ledger.attempts(id)).map(shown);
    if (attempts.length === 0) throw unknownRun(id);
    if (context.json) return context.out.line(JSON.stringify(attempts));
    const lines = attempts.map((run) =>
      textTable(
        ['', ''],
        Object.entries(run).map(([name, value]) => [name, text(value)]),
      ),
    );
    await context.out.write(lines.join('\n'));
  });
}

function text(value: unknown): string | null {
  return value === null ? null : Array.isArray(value) ? value.join(' ') : String(value);
}

/** A run with its times as text. */
function shown({ scheduledMs, startedMs, endedMs, ...run }: Run) {
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    ...run,
    scheduled: instant(scheduledMs),
    started: instant(startedMs),
    ended: endedMs === null ? null : instant(endedMs),
  };
}

async function retry(context: Context, command: Command): Promise<void> {
  const [id = ''] = command.args;
  const { runOnce } = await import('../schedule/scheduler.ts');
  const { DEFAULT_TIMEOUT_MS } = await import('../schedule/jobs.ts');
  await withLedger(context, async (ledger) => {
    const last = (await ledger.attempts(id)).at(-1);
    if (last === undefined) throw unknownRun(id);
    const options = await runOptions(context, command, ledger);
    const held = options.lock(last.job);
    if (held === null) {
      throw new TidemarkError('TM_JOB_RUNNING', `the job ${last.job} runs now`, {
        hint: 'Wait until it has ended: tidemark runs list shows it.',
      });
    }
    try {
      const { job, attempt, scheduledMs, configHash, mark, command: words } = last;
      const timeoutMs = last.timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : last.timeoutMs;
      const again = { name: job, command: words, configHash, when: null, waitMs: 0, timeoutMs };
      const due = { id, attempt: attempt + 1, scheduledMs, mark, markBefore: mark };
      const run = await runOnce(options, again, due, context.signal);
      if (context.json) await context.out.line(JSON.stringify(shown(run)));
      if (run.state !== 'done') throw failed(run);
    } finally {
      held.release();
    }
  });
}

function failed({ job, state, errorCode, error }: Run): TidemarkError {
  return new TidemarkError('TM_JOB_FAILED', `the job ${job} ${state === 'failed' ? 'failed' : 'was interrupted'}`, {
    where: `${errorCode}: ${error}`,
    hint: 'What its command says by itself may tell more: tidemark runs show has it.',
  });
}

function unknownRun(id: string): TidemarkError {
  return new TidemarkError('TM_RUN_UNKNOWN', `there is no run ${id}`, { hint: 'tidemark runs list shows their ids.' });
}
