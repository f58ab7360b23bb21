import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, start } from '../cli/command.ts';

const LAYOUT = `
name: ticks
schema: tick
fields:
  instrument: symbol
  eventTime: { column: time, unit: s }
  price: price
  size: { value: 1 }
`;

describe('tidemark produce', () => {
  let directory: string;
  let layout: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-produce-'));
    layout = await write('layout.yaml', LAYOUT);
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function write(name: string, content: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  }

  const produce = (...args: string[]) => run(['produce', ...args, '--data', join(directory, 'data')]);

  it('csv: says what it did, and that the same file adds nothing', async () => {
    const file = await write('a.csv', 'symbol,time,price\nx:A,1700000000,1\nx:A,1700000001,bad\nx:A,1700000002,3\n');
    const first = await produce('csv', '--layout', layout, file);
    expect(first).toMatchObject({ status: 0, stdout: 'rows 3, records 2, rejected 1, skipped 0\n' });
    expect(first.stderr).toMatch(/1 rows? .*deadletter/);
    const second = await produce('csv', '--layout', layout, file);
    expect(second).toMatchObject({ status: 0, stdout: 'rows 0, records 0, rejected 0, skipped 3\n' });
    expect(second.stderr).toMatch(/already produced.*a\.csv.*--again/);
    const again = await produce('csv', '--layout', layout, '--again', '--json', file);
    expect(JSON.parse(again.stdout)).toEqual({
      rows: 3,
      records: 2,
      rejected: 1,
      skipped: 0,
      bytes: expect.any(Number),
      done: [],
      complete: true,
    });
  });

  it('csv: a wrong layout is wrong configuration', async () => {
    const wrong = await write('wrong.yaml', LAYOUT.replace('price: price', 'prise: price'));
    const { status, stdout, stderr } = await produce(
      'csv',
      '--layout',
      wrong,
      await write('a.csv', 'symbol,time,price\n'),
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/TM_LAYOUT: fields\.prise.*wrong\.yaml/);
  });

  it('csv: needs a layout', async () => {
    expect(await produce('csv', 'a.csv')).toMatchObject({ status: 2, stdout: '' });
  });

  it('simulate: stops on SIGINT with all committed, and goes on', async () => {
    const data = join(directory, 'data');
    const simulation = ['produce', 'simulate', '--rate', '5000', '--data', data];
    const running = start(simulation);
    await running.shows(/\d+ rows/);
    running.child.kill('SIGINT');
    const first = await running.ended;
    expect(first.status).toBe(0);
    expect(first.stderr).toMatch(/stopped before the end/);
    expect(first.stderr).not.toMatch(/ at /);
    const [, rows] = /^rows (\d+), records \1, rejected 0, skipped 0\n$/.exec(first.stdout) ?? [];
    const second = await run([...simulation, '--seconds', '1']);
    expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining(`skipped ${rows}\n`) });
  });

  it('simulate: stops on SIGTERM though it never waits', async () => {
    const running = start([
      'produce',
      'simulate',
      '--fast',
      '--start',
      '2020-01-01',
      '--data',
      join(directory, 'data'),
    ]);
    await running.shows(/\d+ rows/);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^rows \d+, records \d+, /) });
  });

  it.each([['--rate', '0'], ['--count', '1.5'], ['--late-fraction', '2'], ['--start', 'yesterday'], ['--fast']])(
    'simulate: %s %s is wrong usage',
    async (...args) => {
      const { status, stderr } = await produce('simulate', ...args);
      expect(status).toBe(2);
      expect(stderr).toContain(args[0]);
    },
  );
});
