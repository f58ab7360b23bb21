import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import { ScriptProcess } from './children/process.ts';
import { optionsFor } from './options.ts';
import { temporaryDirectory } from './support.ts';

const COUNT = 'SELECT count() AS n, sum(a) AS s FROM t';

async function shell(directory: string): Promise<ScriptProcess> {
  const child = new ScriptProcess('./clickhouseShell.ts', [directory]);
  expect(await child.line()).toBe('open');
  return child;
}

async function ask(child: ScriptProcess, sql: string): Promise<string> {
  child.tell(sql);
  return child.line();
}

describe('the embedded ClickHouse of a data directory', () => {
  const directory = temporaryDirectory();

  it('is written and read by several processes at once, and taken over when its holder is killed', async () => {
    const holder = await shell(directory);
    expect(await ask(holder, 'CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a')).toBe('done');
    const clickhouse = await openClickHouse(optionsFor(directory));
    const third = await shell(directory);
    const body = Buffer.from('{"a":1}\n{"a":2}\n');
    await clickhouse.insert('INSERT INTO t (a) SETTINGS async_insert = 0 FORMAT JSONEachRow', body);
    expect(await ask(third, 'INSERT INTO t SETTINGS async_insert = 0 VALUES (3)')).toBe('done');
    for (const child of [holder, third]) expect(await ask(child, COUNT)).toBe('[{"n":3,"s":6}]');

    await holder.killHard();
    expect(await clickhouse.rows(COUNT)).toEqual([{ n: 3, s: 6 }]);
    expect(JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(await ask(third, 'INSERT INTO t SETTINGS async_insert = 0 VALUES (4)')).toBe('done');

    // A holder that leaves in order hands over as well.
    await clickhouse.close();
    expect(await ask(third, COUNT)).toBe('[{"n":4,"s":10}]');
    third.tell('close');
    await third.ended();
  });

  it('is opened though an owner file is left of a process that is gone', async () => {
    writeFileSync(join(directory, 'owner.json'), JSON.stringify({ pid: 1, socket: join(directory, 'gone.sock') }));
    const clickhouse = await openClickHouse(optionsFor(directory));
    expect(await clickhouse.rows(COUNT)).toEqual([{ n: 4, s: 10 }]);
    await clickhouse.close();
    writeFileSync(join(directory, 'owner.json'), '{"pid":');
    const again = await openClickHouse(optionsFor(directory));
    expect(await again.rows(COUNT)).toEqual([{ n: 4, s: 10 }]);
    await again.close();
  });

  it('listens for its user only, under a short path when the directory has a long one', async () => {
    const long = join(directory, 'x'.repeat(60), 'y'.repeat(60));
    mkdirSync(long, { recursive: true });
    const clickhouse = await openClickHouse(optionsFor(long));
    const { socket } = JSON.parse(readFileSync(join(long, 'owner.json'), 'utf8'));
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(100);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await clickhouse.close();
  });

  it('is let go though another process has paused in the middle of a result', async () => {
    const holder = await openClickHouse(optionsFor(directory));
    const reader = await openClickHouse(optionsFor(directory));
    const rows = reader.stream('SELECT number FROM numbers(100000000) FORMAT CSV')[Symbol.asyncIterator]();
    expect((await rows.next()).done).toBe(false);
    await holder.close();
    const rest = (async () => {
      while ((await rows.next()).done !== true);
    })();
    await expect(rest).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    expect(await reader.rows(COUNT)).toEqual([{ n: 4, s: 10 }]);
    await reader.close();
  });

  it('cannot be opened where there can be no directory', async () => {
    writeFileSync(join(directory, 'file'), '');
    const refused = openClickHouse(optionsFor(join(directory, 'file')));
    await expect(refused).rejects.toMatchObject({ name: 'TidemarkError' });
  });
});
