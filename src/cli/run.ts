import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Role, RunTotals } from '../runtime/run.ts';
import type { Act, Context } from './context.ts';

interface RunOptions {
  readonly roles?: ReadonlySet<Role>;
  readonly untilEnd?: boolean;
  readonly set?: Readonly<Record<string, string>>;
}

const ROLES: readonly Role[] = ['topology', 'sink'];

const EXAMPLES = `
Examples:
  Compute and store bars from all that was produced, then end:
    $ tidemark run --until-end

  Keep going as ticks come in, until Ctrl-C:
    $ tidemark run

  A topology of your own, with another watermark bound:
    $ tidemark run my-topology.ts --set outOfOrdernessMs=5000`;

export function declareRun(program: Command, act: Act): void {
  program
    .command('run')
    .description('Run a topology on the log and store its results in ClickHouse.')
    .argument('[file]', 'topology file, TypeScript or JavaScript (default: the packaged bars topology)')
    .option('--roles <list>', `what this process does (default: ${ROLES.join(',')})`, parseRoles)
    .option('--until-end', 'stop at the ends that the topics have now, all windows flushed, all results stored')
    .option('--set <name=value>', 'set a parameter of the topology; may be given several times', addParameter)
    .addHelpText('after', EXAMPLES)
    .action(act(run));
}

function parseRoles(list: string): ReadonlySet<Role> {
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

function addParameter(assignment: string, soFar: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = assignment.indexOf('=');
  if (at > 0) return { ...soFar, [assignment.slice(0, at)]: assignment.slice(at + 1) };
  throw new TidemarkError('TM_USAGE', `${JSON.stringify(assignment)} is not of the form name=value`, {
    where: '--set',
    hint: 'for example: --set outOfOrdernessMs=5000',
  });
}

async function run(context: Context, command: Command): Promise<void> {
  const { roles = new Set(ROLES), untilEnd = false, set = {} } = command.opts<RunOptions>();
  const { out, err, json } = context;
  const [topologyFile] = command.args;
  const { runPipeline } = await import('../runtime/run.ts');
  const { startProgress } = await import('./progress.ts');
  const progress = startProgress({ unit: 'records', stream: err });
  const totals = await runPipeline({
    ...(topologyFile === undefined ? {} : { topologyFile }),
    set,
    roles,
    untilEnd,
    config: context.config,
    signal: context.signal,
    now: Date.now,
    onProgress: ({ records, results, late, stored }) => {
      progress.update(records, `${results} results, ${late} late, ${stored} stored`);
    },
    onWaiting: (what, pid) => err.write(`process ${pid} runs ${what}; waiting for it\n`),
  }).finally(() => progress.stop());
  await out.line(json ? JSON.stringify(totals) : summaryLine(totals));
}

function summaryLine({ records, results, late, rejected, unassigned, stored }: RunTotals): string {
  const line = `records ${records}, results ${results}, late ${late}, rejected ${rejected}, stored ${stored}`;
  return unassigned === 0 ? line : `${line}, in no window ${unassigned}`;
}
