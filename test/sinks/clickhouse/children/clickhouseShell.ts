import { createInterface } from 'node:readline';
import { type ClickHouse, openClickHouse } from '../../../../src/sinks/clickhouse/connect.ts';
import { optionsFor } from '../options.ts';

/** Opens the ClickHouse of a directory, prints `open`, then runs each line of its input as SQL and prints the rows. */
const [directory = ''] = process.argv.slice(2);
const clickhouse = await openClickHouse(optionsFor(directory));
process.stdout.write('open\n');
for await (const sql of createInterface(process.stdin)) {
  if (sql === 'close') break;
  process.stdout.write(`${await answer(clickhouse, sql)}\n`);
}
await clickhouse.close();
process.stdin.destroy();

async function answer(clickhouse: ClickHouse, sql: string): Promise<string> {
  try {
    if (sql.startsWith('SELECT')) return JSON.stringify(await clickhouse.rows(sql));
    await clickhouse.command(sql);
    return 'done';
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}
