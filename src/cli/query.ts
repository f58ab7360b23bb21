import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { RowFormat } from '../query/rowText.ts';
import type { Act, Context } from './context.ts';
import { formatOption, printRows } from './rows.ts';

const EXAMPLES = `
Examples:
  $ tidemark query "SELECT symbol, count() FROM ticks GROUP BY symbol"
  $ tidemark query "SELECT * FROM bars WHERE interval = '1m'" --format csv > bars.csv
  $ tidemark query < report.sql

Views to query: ticks, quotes, bars, late, latest_prices, daily_summary, tick_counts. SHOW TABLES lists the rest.
A statement may read only.`;

export function declareQuery(program: Command, act: Act): void {
  program
    .command('query')
    .description("Ask ClickHouse in SQL, in the product's database.")
    .argument('[sql]', 'one statement (default: read from standard input)')
    .addOption(formatOption())
    .addHelpText('after', EXAMPLES)
    .action(act(printQuery));
}

async function printQuery(context: Context, command: Command): Promise<void> {
  const { format } = command.opts<{ format?: RowFormat }>();
  const sql = command.args[0] ?? (await standardInput(context));
  if (sql.trim() === '') {
    throw new TidemarkError('TM_USAGE', 'no SQL was given', { hint: 'for example: tidemark query "SHOW TABLES"' });
  }
  const { querySql } = await import('../query/sql.ts');
  await printRows(context, format, async (clickhouse, rowFormat) => querySql({ clickhouse, sql, format: rowFormat }));
}

async function standardInput({ stdin, err }: Context): Promise<string> {
  if (stdin.isTTY) err.write('one SQL statement, then Ctrl-D:\n');
  return text(stdin);
}
