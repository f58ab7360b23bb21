import type { Command } from 'commander';
import type { Act, Context } from './context.ts';

export function declareMigrate(program: Command, act: Act): void {
  program
    .command('migrate')
    .description('Bring the ClickHouse schema up to date. `run` and `demo` do so themselves.')
    .action(act(migrate));
}

async function migrate(context: Context): Promise<void> {
  const { migrate: applyMigrations } = await import('../sinks/clickhouse/migrate.ts');
  const clickhouse = await context.openClickHouse();
  const applied = await applyMigrations(clickhouse).finally(() => clickhouse.close());
  if (context.json) return context.out.line(JSON.stringify({ database: clickhouse.database, applied }));
  for (const name of applied) await context.out.line(`applied ${name}`);
  if (applied.length === 0) context.err.write(`the database ${clickhouse.database} is up to date\n`);
}
