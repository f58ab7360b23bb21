import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { RowFormat } from '../query/rowText.ts';
import type { Act, Context } from './context.ts';
import { formatOption, printRows } from './rows.ts';

interface BarsOptions {
  readonly interval: string;
  readonly symbol?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format?: RowFormat;
}

const EXAMPLES = `
Examples:
  $ tidemark bars --interval 1m
  $ tidemark bars --interval 1h --symbol binance-spot:BTCUSDT --from 2024-08-08 --to 2024-08-09 --format csv

Times are ISO 8601 in UTC; --from and --to bound a bar's start, --to is exclusive.`;

export function declareBars(program: Command, act: Act): void {
  program
    .command('bars')
    .description('Print the bars of one interval, by symbol and start.')
    .requiredOption(
      '--interval <interval>',
      'which bars: 1s, 1m, 5m, 1h, or another that the topology makes or a source published',
    )
    .option('--symbol <venue:symbol>', 'one instrument only')
    .option('--from <time>', 'first start, inclusive')
    .option('--to <time>', 'bound of the start, exclusive')
    .addOption(formatOption())
    .addHelpText('after', EXAMPLES)
    .action(act(printBars));
}

async function printBars(context: Context, command: Command): Promise<void> {
  const { interval, symbol, from, to, format } = command.opts<BarsOptions>();
  const { parseInstant } = await import('./instant.ts');
  const range = {
    interval: await canonical(interval),
    ...(symbol === undefined ? {} : { symbol }),
    ...(from === undefined ? {} : { fromMicros: parseInstant(from, '--from') }),
    ...(to === undefined ? {} : { toMicros: parseInstant(to, '--to') }),
  };
  const { queryBars } = await import('../query/bars.ts');
  await printRows(context, format, (clickhouse, rowFormat) =>
    queryBars({ clickhouse, topology: 'bars', output: 'bars', ...range, format: rowFormat }),
  );
}

async function canonical(text: string): Promise<string> {
  const { intervalName } = await import('../query/interval.ts');
  const interval = intervalName(text);
  if (interval !== null) return interval;
  throw new TidemarkError('TM_USAGE', `${JSON.stringify(text)} is not an interval`, {
    where: '--interval',
    hint: 'write a number and a unit, such as 1s, 5m or 1h; 5m/1m for a hopping window, session/30s, back/30s, global/100',
  });
}
