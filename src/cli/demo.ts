import { type Command, Option } from 'commander';
import { TidemarkError } from '../errors.ts';
import { withApi } from './api.ts';
import type { Act, Context } from './context.ts';
import { parseWholeNumber, wholeNumber } from './optionValues.ts';

const SOURCES = ['simulation', 'recording'] as const;

interface DemoOptions {
  readonly seconds?: number;
  readonly source: (typeof SOURCES)[number];
  readonly symbols: number;
  readonly rate: number;
  readonly seed: number;
}

const HELP = `
It simulates trades, writes them to the log, turns them into bars, stores these in ClickHouse and serves them over HTTP:
all in one process, all for real, in the data directory. While it runs, other commands work on the same data from another terminal.
The next start goes on where this one stopped. With --source recording it makes a recording of such trades, in the words of an exchange, and
plays it as it would play one that tidemark record wrote.`;

const TRY = `In another terminal:
  npx tidemark bars --interval 1s
  npx tidemark query "SELECT symbol, count() FROM ticks GROUP BY symbol"
  npx tidemark status
`;

export function declareDemo(program: Command, act: Act): void {
  program
    .command('demo')
    .description('Watch the whole way at work on simulated trades.')
    .option('--seconds <n>', 'end by itself after so long (default: DEMO_SECONDS, or never)', wholeNumber)
    .addOption(
      new Option('--source <source>', 'where ticks come from')
        .choices(SOURCES)
        .default('simulation')
        .env('DEMO_SOURCE'),
    )
    .option('--symbols <n>', 'instruments', wholeNumber, 8)
    .option('--rate <n>', 'ticks per second, all instruments together', wholeNumber, 2_000)
    .option('--port <n>', 'port of the API (default: 8080, or a free one when it is taken)')
    .option('--seed <n>', 'of the simulation: the same seed gives the same ticks', wholeNumber, 1)
    .addHelpText('after', HELP)
    .action(act(demo));
}

/** `make demo DEMO_SECONDS=20` sets the variable. */
function secondsFrom(env: Context['env']): number | null {
  const text = env.DEMO_SECONDS ?? '';
  if (text === '') return null;
  const seconds = parseWholeNumber(text);
  if (seconds !== null) return seconds;
  throw new TidemarkError('TM_USAGE', `${JSON.stringify(text)} is not a whole number above zero`, {
    where: 'DEMO_SECONDS',
  });
}

async function demo(context: Context, command: Command): Promise<void> {
  const { seconds = secondsFrom(context.env), ...simulation } = command.opts<DemoOptions>();
  context.err.write(TRY);
  const { runDemo } = await import('./demo/runDemo.ts');
  const { ticks, bars, late } = await withApi(context, (watch) =>
    runDemo(context, { ...simulation, seconds, ...watch }),
  );
  await context.out.line(
    context.json ? JSON.stringify({ ticks, bars, late }) : `ticks ${ticks}, bars ${bars}, late ${late}`,
  );
}
