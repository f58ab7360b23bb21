import { Option } from 'commander';
import type { RowFormat, TextResult } from '../query/rowText.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import type { Context } from './context.ts';

const FORMATS: readonly RowFormat[] = ['table', 'csv', 'json', 'ndjson'];

/** `--format`, the same wherever rows are printed. */
export function formatOption(): Option {
  return new Option('--format <format>', 'how to print (default: table, or json with --json)').choices(FORMATS);
}

/** Prints the rows of a query as they come, however many they are. */
export async function printRows(
  context: Context,
  format: RowFormat | undefined,
  query: (clickhouse: ClickHouse, format: RowFormat) => Promise<TextResult>,
): Promise<void> {
  const clickhouse = await context.openClickHouse();
  try {
    const { pieces, hint } = await query(clickhouse, format ?? (context.json ? 'json' : 'table'));
    for await (const piece of pieces) {
      await context.out.write(piece);
      if (context.signal.aborted) break;
    }
    if (hint !== null) context.err.write(`${hint}\n`);
  } finally {
    await clickhouse.close();
  }
}
