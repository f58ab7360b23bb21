import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, run } from './command.ts';

const TIMEOUT_MS = 240_000;
const LAYOUT = `
name: ticks
schema: tick
fields:
  instrument: symbol
  eventTime: { column: time, unit: ms }
  price: price
  size: { value: 1 }
`;
const ROWS = `symbol,time,price
x:A,1723161600000,10
x:A,1723161601000,ten
x:A,1723161602000,12
x:A,1723161603000,\u001b[31m
`;

describe('tidemark deadletter', { timeout: TIMEOUT_MS }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-deadletter-'));
  const data = join(directory, 'data');
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const deadletter = (...args: readonly string[]) => run(['deadletter', ...args, '--data', data]);
  const listed = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await deadletter('list', '--format', 'json', ...args);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as { id: string; detail: string; payload: string; state: string }[];
  };

  beforeAll(async () => {
    const layout = file('layout.yaml', LAYOUT);
    const { status, stderr } = await run([
      'produce',
      'csv',
      '--layout',
      layout,
      file('rows.csv', ROWS),
      '--data',
      data,
    ]);
    expect(status, stderr).toBe(0);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await endAll();
    rmSync(directory, { recursive: true, force: true });
  });

  it('lists what was rejected, and why, without the control characters of rows', async () => {
    const letters = await listed();
    expect(letters).toMatchObject([
      {
        topic: 'ticks',
        source: 'rows.csv',
        position: 3,
        reason: 'number',
        payload: 'x:A,1723161601000,ten',
        state: 'open',
      },
      { source: 'rows.csv', position: 5, payloadEncoding: 'utf-8' },
    ]);
    const { stdout } = await deadletter('list');
    expect(stdout).toMatch(/^id +rejected +state +topic +source +position +reason +detail\n/);
    expect(stdout).toContain('price is not a number: "ten"');
    const shown = (await deadletter('show', letters[1]?.id ?? '')).stdout;
    expect(shown).toContain('x:A,1723161603000,�[31m');
    expect(shown + stdout).not.toContain('\u001b');
  });

  it('gives a page at a time', async () => {
    const [first, second] = await listed();
    const page = await deadletter('list', '--limit', '1', '--format', 'ndjson');
    expect(JSON.parse(page.stdout)).toEqual(first);
    expect(page.stderr).toContain(`--after ${first?.id}`);
    expect(await listed('--after', first?.id ?? '')).toEqual([second]);
    const none = await deadletter('list', '--after', second?.id ?? '');
    expect([none.stdout, none.stderr]).toEqual(['', 'no dead letters\n']);
  });

  it.each([
    [['show', '1-2'], 2, 'TM_USAGE'],
    [['show', '0/99'], 1, 'TM_DEAD_LETTER_UNKNOWN'],
    [['release'], 2, 'TM_USAGE'],
    [['drop'], 2, 'TM_USAGE'],
    [['release', '0/0', '--all'], 2, 'TM_USAGE'],
    [['release', '--all', '--value', 'row.json'], 2, 'TM_USAGE'],
    [['release', '0/0', '--value', '/no/such/file'], 2, 'TM_USAGE'],
    [['release', '0/0', '--value', 'row.json', '--layout', 'rows.yaml'], 2, 'TM_USAGE'],
    [['release', '--all', '--layout', '/no/such/file'], 2, 'TM_LAYOUT'],
    [['release', '--layout', 'rows.yaml'], 2, 'TM_USAGE'],
    [['list', '--from', 'yesterday'], 2, 'TM_USAGE'],
    [['release', '--all'], 1, 'TM_DEAD_LETTER_UNUSABLE'],
  ] as const)('%j ends with %i and %s', async (args, expected, code) => {
    const { status, stderr } = await deadletter(...args);
    expect([status, stderr]).toEqual([expected, expect.stringContaining(code)]);
  });

  it('looks at a directory without a log, and makes none', async () => {
    const none = join(directory, 'none');
    const { status, stderr } = await run(['deadletter', 'list', '--data', none]);
    expect([status, stderr]).toEqual([0, 'no dead letters\n']);
    expect((await run(['deadletter', 'drop', '--all', '--data', none])).status).toBe(1);
  });

  it('releases what a corrected layout reads, and says of the rest what to give', async () => {
    const layout = file('other.yaml', LAYOUT.replace('column: time', 'column: at'));
    const { status, stdout, stderr } = await deadletter('release', '--source', 'rows.csv', '--layout', layout);
    expect([status, stdout]).toEqual([1, 'released 0, refused 2\n']);
    expect(stderr).toContain("column 'at', which the file does not have");
    const later = await run([
      'produce',
      'csv',
      '--layout',
      layout,
      file('later.csv', 'symbol,at,price\nx:L,noon,5\n'),
      '--data',
      data,
    ]);
    expect(later.status, later.stderr).toBe(0);
    const [letter] = await listed('--source', 'later.csv');
    expect(letter).toMatchObject({ reason: 'time', header: 'symbol,at,price' });
    const noon = file(
      'noon.yaml',
      `${LAYOUT.replace('column: time, unit: ms', 'column: at, format: iso, map: { noon: "2024-08-10T12:00Z" }')}`,
    );
    const released = await deadletter('release', letter?.id ?? '', '--layout', noon);
    expect([released.stdout, released.stderr]).toEqual(['released 1\n', '']);
    expect(await listed('--source', 'later.csv')).toEqual([]);
  });

  it('releases a corrected row into the bars, once, and drops the other', async () => {
    const [first, second] = await listed();
    const row = { instrument: 'x:A', eventTime: '2024-08-09T00:00:01Z', price: '11.5', size: 2 };
    const value = file('row.json', JSON.stringify(row));
    const released = await deadletter('release', first?.id ?? '', '--value', value);
    expect([released.status, released.stdout]).toEqual([0, 'released 1\n']);
    const again = await deadletter('release', first?.id ?? '', '--value', value);
    expect(again.stdout).toBe('released 0, done before 1\n');
    expect((await deadletter('drop', second?.id ?? '', '--json')).stdout).toBe('{"done":1,"already":0,"refused":0}\n');
    expect(await listed()).toEqual([]);
    expect((await listed('--state', 'all', '--source', 'rows.csv')).map(({ state }) => state)).toEqual([
      'released',
      'dropped',
    ]);

    const ended = await run(['run', '--until-end', '--data', data]);
    expect(ended.status, ended.stderr).toBe(0);
    const bars = await run(['bars', '--interval', '1m', '--format', 'csv', '--data', data]);
    expect(bars.stdout).toContain(',10,12,10,12,4,');
    const sql = "SELECT position, state FROM dead_letters WHERE source = 'rows.csv' ORDER BY position";
    const rows = await run(['query', sql, '--format', 'csv', '--data', data]);
    expect(rows.stdout.replaceAll('"', '').split('\n').slice(1, 3)).toEqual(['3,released', '5,dropped']);
  });
});
