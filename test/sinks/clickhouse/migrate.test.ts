import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../../src/sinks/clickhouse/migrate.ts';
import { temporaryClickHouse, temporaryDirectory } from './support.ts';

describe('migrations', async () => {
  const clickhouse = await temporaryClickHouse();
  const parent = temporaryDirectory();

  function directoryWith(files: Readonly<Record<string, string>>): URL {
    const directory = mkdtempSync(join(parent, 'migrations-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return pathToFileURL(`${directory}/`);
  }

  const first = 'CREATE TABLE IF NOT EXISTS first (a Int64)\nENGINE = MergeTree ORDER BY a;\n-- one; more\n';
  const second = "CREATE VIEW IF NOT EXISTS second AS SELECT a, ';' AS b FROM first;\n";

  it('are applied in order, once', async () => {
    const one = directoryWith({ '0001_first.sql': first });
    expect(await migrate(clickhouse, one)).toEqual(['0001_first.sql']);
    expect(await migrate(clickhouse, one)).toEqual([]);
    const both = directoryWith({ '0002_second.sql': second, '0001_first.sql': first, 'notes.txt': 'no' });
    expect(await migrate(clickhouse, both)).toEqual(['0002_second.sql']);
    expect(await clickhouse.rows('SELECT count() AS n FROM second')).toEqual([{ n: 0 }]);
  });

  it('are refused when one that was applied has changed', async () => {
    const changed = directoryWith({ '0001_first.sql': `${first} `, '0002_second.sql': second });
    await expect(migrate(clickhouse, changed)).rejects.toMatchObject({ code: 'TM_MIGRATION_CHANGED' });
  });

  it('are refused when the database has one that is not known', async () => {
    const older = directoryWith({ '0001_first.sql': first });
    await expect(migrate(clickhouse, older)).rejects.toMatchObject({ code: 'TM_MIGRATION_NEWER' });
  });

  it('of the product are numbered one after another, each number once', () => {
    const names = readdirSync(new URL('../../../schemas/clickhouse', import.meta.url)).sort();
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, i) => i + 1));
  });

  it('of the product make its tables and views in a database of its own', async () => {
    await clickhouse.command('DROP TABLE migrations');
    expect(await migrate(clickhouse)).not.toEqual([]);
    expect(await migrate(clickhouse)).toEqual([]);
    const rows = await clickhouse.rows<{ name: string }>(
      'SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name',
    );
    const names = rows.map(({ name }) => name);
    for (const view of ['ticks', 'quotes', 'late', 'source_bars', 'dead_letters']) {
      expect(names).toContain(view);
      expect(await clickhouse.rows(`SELECT count() AS n FROM ${view}`)).toEqual([{ n: 0 }]);
    }
    // As after one that broke off before it was noted.
    await clickhouse.command('DROP TABLE migrations');
    expect(await migrate(clickhouse)).not.toEqual([]);
    expect(await clickhouse.rows('SELECT engine FROM system.databases WHERE name = currentDatabase()')).toEqual([
      { engine: 'Atomic' },
    ]);
  });
});
