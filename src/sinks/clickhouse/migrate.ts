import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TidemarkError } from '../../errors.ts';
import type { ClickHouse } from './connect.ts';
import { INSERT_SETTINGS } from './insertSettings.ts';
import { quoteText } from './sqlText.ts';

const MIGRATIONS = new URL('../../../schemas/clickhouse/', import.meta.url);
const FILE_NAME = /^(\d{4})_\w+\.sql$/;

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly statements: readonly string[];
}

/**
 * Applies the numbered migrations that the database lacks, in order, and gives their names. A migration that broke off is
 * applied again: each of its statements says IF NOT EXISTS.
 *
 * @throws TM_MIGRATION_CHANGED when an applied migration's text is another now, TM_MIGRATION_NEWER when the database has
 *   one that is not known here
 */
export async function migrate(clickhouse: ClickHouse, directory: URL = MIGRATIONS): Promise<readonly string[]> {
  await clickhouse.command(
    'CREATE TABLE IF NOT EXISTS migrations (number UInt32, name String, checksum String) ' +
      'ENGINE = ReplacingMergeTree ORDER BY number',
  );
  const known = await readMigrations(directory);
  const applied = await clickhouse.rows<{ number: number; name: string; checksum: string }>(
    'SELECT number, name, checksum FROM migrations FINAL ORDER BY number',
  );
  for (const row of applied) check(row, known, clickhouse.database);
  const missing = known.filter(({ number }) => !applied.some((row) => row.number === number));
  for (const migration of missing) {
    for (const statement of migration.statements) await clickhouse.command(statement);
    await clickhouse.command(
      `INSERT INTO migrations (number, name, checksum) SETTINGS ${INSERT_SETTINGS} ` +
        `VALUES (${migration.number}, ${quoteText(migration.name)}, ${quoteText(migration.checksum)})`,
    );
  }
  return missing.map(({ name }) => name);
}

function check(
  applied: { number: number; name: string; checksum: string },
  known: readonly Migration[],
  where: string,
): void {
  const migration = known.find(({ number }) => number === applied.number);
  if (migration === undefined) {
    throw new TidemarkError(
      'TM_MIGRATION_NEWER',
      `the database has the migration ${applied.name}, which is not known here`,
      {
        where,
        hint: 'Run the version of Tidemark that made it, or a newer one.',
      },
    );
  }
  if (migration.checksum === applied.checksum) return;
  throw new TidemarkError(
    'TM_MIGRATION_CHANGED',
    `the migration ${migration.name} was changed after it had been applied`,
    {
      where,
      hint: 'Restore its text and put the change into a new migration.',
    },
  );
}

async function readMigrations(directory: URL): Promise<readonly Migration[]> {
  const names = (await readdir(fileURLToPath(directory))).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, directory), 'utf8');
      return {
        number: Number(name.slice(0, 4)),
        name,
        checksum: createHash('sha256').update(text).digest('hex'),
        statements: statementsOf(text),
      };
    }),
  );
}

/** The statements of a migration: each ends with a semicolon at the end of a line, and comments have lines of their own. */
function statementsOf(text: string): readonly string[] {
  return text
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
