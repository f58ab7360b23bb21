import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, run, start } from './command.ts';

let data: string;
beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-query-'));
});
afterAll(async () => {
  await endAll();
  rmSync(data, { recursive: true, force: true });
});

describe('query', () => {
  it('prints CSV with a header line', async () => {
    const { status, stdout } = await run(['query', "SELECT 1 AS a, 'x,y' AS b", '--format', 'csv', '--data', data]);
    expect(stdout).toBe('a,b\n1,"x,y"\n');
    expect(status).toBe(0);
  });

  it('takes its statement from standard input', async () => {
    const { stdout } = await run(['query', '--json', '--data', data], { stdin: 'SELECT 1 AS a;\n' });
    expect(JSON.parse(stdout)).toEqual([{ a: 1 }]);
  });

  it('needs a statement', async () => {
    const { status, stderr } = await run(['query', '--data', data], { stdin: ' \n' });
    expect(stderr).toMatch(/^error TM_USAGE: no SQL was given\nhint: /);
    expect(status).toBe(2);
  });

  it('fails with 1 and the words of ClickHouse, as JSON where that was asked', async () => {
    const plain = await run(['query', 'SELEC 1', '--data', data]);
    expect(plain.status).toBe(1);
    expect(plain.stderr).toMatch(/^error TM_SQL: Syntax error/);
    const json = await run(['query', 'SELEC 1', '--data', data, '--json']);
    expect(JSON.parse(json.stderr).code).toBe('TM_SQL');
  });

  it('ends quietly, with 0, when the reader of its output goes', async () => {
    const { child, ended, shows } = start(['query', 'SELECT number FROM numbers(100000000)', '--data', data]);
    await shows(/number/);
    child.stdout?.destroy();
    const { status, stderr } = await ended;
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe('bars', () => {
  it('of a store without any gives a header alone, and says what makes some', async () => {
    const { status, stdout, stderr } = await run(['bars', '--interval', '60s', '--format', 'csv', '--data', data]);
    expect(stdout).toBe('symbol,start,end,open,high,low,close,volume,vwap,count,revision\n');
    expect(stderr).toContain('tidemark run');
    expect(status).toBe(0);
  });

  it.each([
    [['--interval', 'minute'], '"minute" is not an interval (--interval)'],
    [['--interval', '1m', '--from', 'yesterday'], '"yesterday" is not an instant (--from)'],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await run(['bars', ...args, '--data', data]);
    expect(stderr).toContain(`error TM_USAGE: ${message}`);
    expect(status).toBe(2);
  });
});

describe('migrate', () => {
  it('says what it applied, and nothing the second time', async () => {
    const first = await run(['migrate', '--data', data]);
    expect(first.stdout).toMatch(/^applied 0001_/);
    const second = await run(['migrate', '--data', data, '--json']);
    expect(JSON.parse(second.stdout)).toEqual({ database: 'tidemark', applied: [] });
  });
});
