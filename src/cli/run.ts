import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { TopologyShare } from '../runtime/ownedTasks.ts';
import type { RunOptions as PipelineOptions, Role, RunTotals } from '../runtime/run.ts';
import { withAlerts } from './alerts.ts';
import { type PipelineWatch, withApi } from './api.ts';
import type { Act, Context } from './context.ts';
import { describeOutage, describeWarning } from './report.ts';

/** What a process does: a part of the pipeline, or the API. */
type ProcessRole = Role | 'api';

interface RunOptions {
  readonly roles?: ReadonlySet<ProcessRole>;
  readonly untilEnd?: boolean;
  readonly set?: Readonly<Record<string, string>>;
}

const PIPELINE_ROLES: readonly Role[] = ['topology', 'sink'];
const ROLES: readonly ProcessRole[] = [...PIPELINE_ROLES, 'api'];

const EXAMPLES = `
Examples:
  Compute and store bars from all that was produced, then end:
    $ tidemark run --until-end

  Keep going as ticks come in, and serve the API, until Ctrl-C:
    $ tidemark run

  Serve the API of a data directory, whichever process computes:
    $ tidemark run --roles api --port 8081

  Take a part of the partitions off the processes that compute already:
    $ tidemark run --roles topology

  A topology of your own, with another watermark bound:
    $ tidemark run my-topology.ts --set outOfOrdernessMs=5000`;

export function declareRun(program: Command, act: Act): void {
  program
    .command('run')
    .description('Run a topology on the log, store its results in ClickHouse, and serve them over HTTP.')
    .argument('[file]', 'topology file, TypeScript or JavaScript (default: the packaged bars topology)')
    .option('--roles <list>', `what this process does (default: ${ROLES.join(',')})`, parseRoles)
    .option('--until-end', 'stop at the ends that the topics have now, all windows flushed, all results stored; no API')
    .option('--port <n>', 'port of the API (default: 8080, or a free one when it is taken)')
    .option('--set <name=value>', 'set a parameter of the topology; may be given several times', addParameter)
    .addHelpText('after', EXAMPLES)
    .action(act(run));
}

function parseRoles(list: string): ReadonlySet<ProcessRole> {
  const names = list.split(',').map((name) => name.trim());
  return new Set(
    names.map((name) => {
      const role = ROLES.find((known) => known === name);
      if (role !== undefined) return role;
      throw new TidemarkError('TM_USAGE', `there is no role ${JSON.stringify(name)}`, {
        where: '--roles',
        hint: `give some of ${ROLES.join(',')}`,
      });
    }),
  );
}

/** Adds a `name=value` to those given before. @throws TM_USAGE */
export function addParameter(assignment: string, soFar: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = assignment.indexOf('=');
  if (at > 0) return { ...soFar, [assignment.slice(0, at)]: assignment.slice(at + 1) };
  throw new TidemarkError('TM_USAGE', `${JSON.stringify(assignment)} is not of the form name=value`, {
    where: '--set',
    hint: 'for example: --set outOfOrdernessMs=5000',
  });
}

async function run(context: Context, command: Command): Promise<void> {
  const { roles = new Set(ROLES), untilEnd = false, set = {} } = command.opts<RunOptions>();
  const pipelineRoles = new Set(PIPELINE_ROLES.filter((role) => roles.has(role)));
  if (untilEnd && pipelineRoles.size === 0) {
    throw new TidemarkError('TM_USAGE', 'the API has no end', {
      where: '--until-end',
      hint: 'leave --until-end out, or add a role that has one',
    });
  }
  if (pipelineRoles.size === 0) return withAlerts(context, () => withApi(context, () => untilAborted(context.signal)));
  const serves = roles.has('api') && !untilEnd;
  const [file] = command.args;
  const options = { ...(file === undefined ? {} : { topologyFile: file }), set, roles: pipelineRoles, untilEnd };
  const work = () =>
    serves ? withApi(context, (watch) => runShown(context, { ...options, ...watch })) : runShown(context, options);
  const totals = await (untilEnd ? work() : withAlerts(context, work));
  await context.out.line(context.json ? JSON.stringify(totals) : summaryLine(totals));
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

type ShownOptions = Pick<PipelineOptions, 'set' | 'roles' | 'untilEnd' | 'topologyFile' | keyof PipelineWatch>;

async function runShown({ config, err, signal }: Context, options: ShownOptions): Promise<RunTotals> {
  const { runPipeline } = await import('../runtime/run.ts');
  const { startProgress } = await import('./progress.ts');
  const progress = startProgress({ unit: 'records', stream: err });
  return runPipeline({
    ...options,
    config,
    signal,
    now: Date.now,
    onProgress: ({ records, results, late, stored }) => {
      progress.update(records, `${results} results, ${late} late, ${stored} stored`);
    },
    onOutage: (what, error) => {
      options.onOutage?.(what, error);
      err.write(describeOutage(what, error));
    },
    onWaiting: (what, pid) => err.write(`process ${pid} runs ${what}; waiting for it\n`),
    onWarning: (warning) => err.write(describeWarning(warning)),
    onShare: shareAnnouncer((line) => err.write(line)),
  }).finally(() => progress.stop());
}

/** Says which partitions this process has, once it is known that others share the topology. */
function shareAnnouncer(write: (line: string) => void): (share: TopologyShare) => void {
  let isShared = false;
  return ({ topology, partitions, of }) => {
    isShared ||= partitions.length < of;
    const names = partitions.length === 0 ? '' : `: ${partitions.join(', ')}`;
    if (isShared) write(`this process has ${partitions.length} of ${of} partitions of topology ${topology}${names}\n`);
  };
}

function summaryLine({ records, results, late, rejected, unassigned, stored }: RunTotals): string {
  const line = `records ${records}, results ${results}, late ${late}, rejected ${rejected}, stored ${stored}`;
  return unassigned === 0 ? line : `${line}, in no window ${unassigned}`;
}
