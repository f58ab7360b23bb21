import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, run } from './command.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/scenarios');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-scenario-'));
});
afterAll(async () => {
  await endAll();
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function scenario(id: string, sizeMs: number): string {
  const event = { kind: 'event', key: null, timestampMs: 1, value: null };
  const aggregates = { n: { fn: 'count' } };
  const window = { type: 'tumbling', sizeMs };
  return JSON.stringify({ id, window, watermarks: 'explicit', aggregates, input: [event, { kind: 'endOfInput' }] });
}

const lineOf = (id: string): string =>
  `{"id":"${id}","results":[{"after":1,"key":null,"startMs":0,"endMs":5,"revision":0,"values":{"n":1}}],"late":[],"watermarks":[null,"end"]}`;

describe('tidemark scenario', () => {
  it('prints a line for each file and for standard input, in the order given', async () => {
    const path = file('a.json', scenario('a', 5));
    expect(await run(['scenario', path, '-', path], { stdin: scenario('b', 5) })).toEqual({
      status: 0,
      stdout: `${lineOf('a')}\n${lineOf('b')}\n${lineOf('a')}\n`,
      stderr: '',
    });
  });

  it('runs the others where one is wrong, and ends with status 2', async () => {
    const files = [
      file('wrong.json', scenario('wrong', 0)),
      join(directory, 'missing.json'),
      file('broken.json', '{'),
      file('latin1.json', Uint8Array.of(0x22, 0xe9, 0x22)),
      file('good.json', scenario('good', 5)),
    ];
    const { status, stdout, stderr } = await run(['scenario', '--chunk', '1', ...files]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 4).map((line) => JSON.parse(line))).toEqual([
      { id: 'wrong', error: { code: 'TM_WINDOW', message: 'window.sizeMs is 0: it must be above zero' } },
      { id: null, error: { code: 'TM_SCENARIO', message: expect.stringContaining('missing.json cannot be read') } },
      { id: null, error: { code: 'TM_SCENARIO', message: expect.stringContaining('not JSON') } },
      { id: null, error: { code: 'TM_SCENARIO', message: expect.stringContaining('latin1.json cannot be read') } },
    ]);
    expect(lines.slice(4)).toEqual([lineOf('good')]);
    expect(stderr).toContain('error TM_SCENARIO: 4 of 5 scenarios could not be run');
    expect(status).toBe(2);
  });

  it.each([
    [['scenario'], 'missing required argument'],
    [['scenario', '--chunk', '0', 'x.json'], 'whole number from 1'],
  ])('refuses %j', async (args, message) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('prints for each example what is written beside it, at any chunk size', async () => {
    const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.json'));
    const expected = names.map((name) => readFileSync(join(EXAMPLES, name.replace('.json', '.out')), 'utf8')).join('');
    expect(names.length).toBeGreaterThan(2);
    for (const chunk of ['1', '2', '1000']) {
      const files = names.map((name) => join(EXAMPLES, name));
      expect(await run(['scenario', '--chunk', chunk, ...files])).toEqual({ status: 0, stdout: expected, stderr: '' });
    }
  });
});
