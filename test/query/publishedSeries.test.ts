import { cpSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { temporaryClickHouse, temporaryDirectory } from '../sinks/clickhouse/support.ts';

const MIGRATIONS = new URL('../../schemas/clickhouse/', import.meta.url);
const SERIES = '0008_source_bar_series.sql';

it('series of bars that were stored before they were kept are found when the database is migrated', async () => {
  const clickhouse = await temporaryClickHouse();
  const older = mkdtempSync(join(temporaryDirectory(), 'older-'));
  for (const name of readdirSync(MIGRATIONS).filter((each) => each < SERIES)) {
    cpSync(new URL(name, MIGRATIONS), join(older, name));
  }
  await migrate(clickhouse, pathToFileURL(`${older}/`));
  await clickhouse.command(
    'INSERT INTO source_bars_raw (symbol, interval, eventTime, close, source, adjusted, provisional, revision, partition, offset) ' +
      "SELECT 'v:A', '1d', toDateTime64('2024-08-01 00:00:00', 6, 'UTC') + toIntervalDay(number), 1, 'v', number < 5, 0, 0, 0, number " +
      'FROM numbers(10)',
  );
  expect(await migrate(clickhouse)).toContain(SERIES);
  const days = 'SELECT toDayOfMonth(first) AS first, toDayOfMonth(last) AS last, adjusted FROM published_series';
  expect(await clickhouse.rows(days)).toEqual([{ first: 6, last: 10, adjusted: false }]);
  expect(await clickhouse.rows('SELECT count() AS n FROM published_bars')).toEqual([{ n: 5 }]);
  // As after a migration that broke off before it was noted.
  await clickhouse.command('DROP TABLE migrations');
  await migrate(clickhouse);
  expect(await clickhouse.rows(days)).toEqual([{ first: 6, last: 10, adjusted: false }]);
});
