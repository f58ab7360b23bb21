import type { Command } from 'commander';
import type { ReplayOptions } from '../replay/replayParts.ts';
import type { Act, Context } from './context.ts';
import { wholeNumber } from './optionValues.ts';
import { describeWarning } from './report.ts';
import { addParameter } from './run.ts';

interface TopologyOptions {
  readonly topology?: string;
  readonly set?: Readonly<Record<string, string>>;
}

interface StartOptions extends TopologyOptions {
  readonly from?: string;
  readonly to?: string;
  readonly untilEnd?: boolean;
  /** False for none. */
  readonly history?: string | false;
}

interface DiffOptions extends TopologyOptions {
  readonly limit: number;
}

const EXAMPLES = `
A replay reads the topics again into tables of a new generation, while live goes on. It is compared with what is served,
and then swapped in, or dropped. The topology may have been changed: give its new file, or other parameters.

Examples:
  Compute everything again, look what differs, and serve it:
    $ tidemark replay start --topology bars
    $ tidemark replay diff --topology bars
    $ tidemark replay swap --topology bars

  Only the windows of one day, with another watermark bound:
    $ tidemark replay start --from 2024-08-08 --to 2024-08-09 --set outOfOrdernessMs=5000

  With history that came after the topic had gone past it, from a topic of its own:
    $ tidemark produce csv --topic ticks_history old.csv
    $ tidemark replay start --history ticks_history

  Serve what was served before:
    $ tidemark replay rollback --topology bars`;

export function declareReplay(program: Command, act: Act): void {
  const replay = program
    .command('replay')
    .description('Compute the history of a topology again, compare it, and swap it in.')
    .addHelpText('after', EXAMPLES);
  const subcommand = (name: string, description: string): Command =>
    replay
      .command(name)
      .description(description)
      .argument('[file]', 'topology file, TypeScript or JavaScript (default: the packaged bars topology)')
      .option('--topology <name>', 'the name of the topology: a check that it is the one that is meant')
      .option('--set <name=value>', 'set a parameter of the topology; may be given several times', addParameter);
  subcommand('start', 'Begin a replay, or go on with one; with a live run beside it, follow that until the swap.')
    .option('--from <time>', 'compute windows that end after it; the others are taken over as they are')
    .option('--to <time>', 'compute windows that start before it; the others are taken over as they are')
    .option('--history <topic>', 'read what the topic holds now before the input, as if it had come first')
    .option('--no-history', 'read the input alone, also where the served generation has a history')
    .option('--until-end', 'end where the served generation stands, also with a live run beside it')
    .action(act(start));
  subcommand('diff', 'Show which windows of the replay differ from those that are served.')
    .option('--limit <n>', 'how many differing windows to list', wholeNumber, 20)
    .action(act(diff));
  subcommand('swap', 'Serve the replay; live goes on with it from there.').action(act(swap));
  subcommand('rollback', 'Take back the last swap: serve what was served before.').action(act(rollBack));
  subcommand('drop', 'Give up the replay, and remove its tables.').action(act(drop));
  subcommand('status', 'Show the generations of the topology.').action(act(status));
}

async function start(context: Context, command: Command): Promise<void> {
  const { from, to, untilEnd = false, history } = command.opts<StartOptions>();
  const { parseInstant } = await import('./instant.ts');
  const { ALL_TIME } = await import('../core/timeRange.ts');
  const range = {
    fromMicros: from === undefined ? ALL_TIME.fromMicros : parseInstant(from, '--from'),
    toMicros: to === undefined ? ALL_TIME.toMicros : parseInstant(to, '--to'),
  };
  const wanted = { range, ...(history === undefined ? {} : { history: history === false ? null : history }) };
  const { runReplay } = await import('../replay/run.ts');
  const { generation, end } = await withProgress(context, command, (options) => runReplay(options, wanted, untilEnd));
  await answer(context, { generation, end }, `generation ${generation}: ${END_WORDS[end]}`);
}

const END_WORDS = {
  'caught up': 'has come to where the served generation stands (next: tidemark replay diff, tidemark replay swap)',
  served: 'is served',
  stopped: 'stopped; the same command goes on with it',
} as const;

async function swap(context: Context, command: Command): Promise<void> {
  const { swapReplay } = await import('../replay/swap.ts');
  const generation = await withProgress(context, command, swapReplay);
  await answer(context, { generation }, `generation ${generation} is served (tidemark replay rollback takes it back)`);
}

async function rollBack(context: Context, command: Command): Promise<void> {
  const replay = await import('../replay/swap.ts');
  const generation = await replay.rollBack(optionsOf(context, command));
  await answer(context, { generation }, `generation ${generation} is served again`);
}

async function drop(context: Context, command: Command): Promise<void> {
  const { dropReplay } = await import('../replay/drop.ts');
  const generation = await dropReplay(optionsOf(context, command));
  await answer(context, { generation }, `generation ${generation} is dropped`);
}

async function diff(context: Context, command: Command): Promise<void> {
  const { limit } = command.opts<DiffOptions>();
  const { diffReplay } = await import('../replay/diff.ts');
  const difference = await diffReplay(optionsOf(context, command), limit);
  if (context.json) return context.out.line(JSON.stringify(difference));
  const { differenceText } = await import('./replayText.ts');
  await context.out.write(differenceText(difference));
}

async function status(context: Context, command: Command): Promise<void> {
  const { replayStatus } = await import('../replay/status.ts');
  const generations = await replayStatus(optionsOf(context, command));
  if (context.json) return context.out.line(JSON.stringify(generations));
  const { generationsText } = await import('./replayText.ts');
  await context.out.write(generationsText(generations));
}

async function answer(context: Context, result: object, words: string): Promise<void> {
  await context.out.line(context.json ? JSON.stringify(result) : words);
}

async function withProgress<T>(
  context: Context,
  command: Command,
  body: (options: ReplayOptions) => Promise<T>,
): Promise<T> {
  const { startProgress } = await import('./progress.ts');
  let progress: ReturnType<typeof startProgress> | null = null;
  const options: ReplayOptions = {
    ...optionsOf(context, command),
    onBegin: (generation, isResumed, records) => {
      context.err.write(`generation ${generation}${isResumed ? ' goes on' : ''}: ${records} records to read\n`);
      if (records > 0) progress = startProgress({ unit: 'records', total: records, stream: context.err });
    },
    onProgress: ({ records, results, late, stored }) => {
      progress?.update(records, `${results} results, ${late} late, ${stored} stored`);
    },
  };
  return body(options).finally(() => progress?.stop());
}

function optionsOf({ config, signal, err }: Context, command: Command): ReplayOptions {
  const { topology, set = {} } = command.opts<TopologyOptions>();
  const [file] = command.args;
  return {
    ...(file === undefined ? {} : { topologyFile: file }),
    ...(topology === undefined ? {} : { name: topology }),
    set,
    config,
    signal,
    now: Date.now,
    onBegin: () => {},
    onProgress: () => {},
    onWaiting: (what, pid) => err.write(`process ${pid} runs ${what}; waiting for it\n`),
    onWarning: (warning) => err.write(describeWarning(warning)),
  };
}
