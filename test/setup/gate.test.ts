import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The gate's script with every stage's command replaced: what is tested is how it counts. */
describe('the gate', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-gate-'));
    mkdirSync(join(directory, '.ci'));
    cpSync(join(root, '.ci/run'), join(directory, '.ci/run'));
    program('.ci/tools', ':');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function program(path: string, body: string) {
    writeFileSync(join(directory, path), `#!/usr/bin/env bash\n${body}\n`);
    chmodSync(join(directory, path), 0o755);
  }

  /** Runs it with a `make` that does this at a target. */
  function gate(targets: Record<string, string>) {
    mkdirSync(join(directory, 'bin'));
    const cases = Object.entries(targets).map(([target, body]) => `${target}) ${body} ;;`);
    program('bin/make', `case $1 in\n${cases.join('\n')}\nesac`);
    program('bin/npm', ':');
    const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH}` };
    const { status, stdout } = spawnSync(join(directory, '.ci/run'), { env, input: '', encoding: 'utf8' });
    return { status, stdout, lastLine: stdout.trimEnd().split('\n').at(-1) };
  }

  it('passes when every stage does, and ends with the count of the tests', () => {
    const { status, stdout, lastLine } = gate({ test: 'echo "12 passed, 0 failed, 3 skipped"' });
    expect(lastLine).toBe('12 passed, 0 failed, 3 skipped');
    expect(status).toBe(0);
    for (const name of ['tools', 'setup', 'format', 'lint', 'types', 'test', 'build', 'demo']) {
      expect(stdout).toMatch(new RegExp(`^${name} +\\d+ s of +\\d+ s  passed$`, 'm'));
    }
  });

  it('counts each failed stage besides the tests, and goes on after it', () => {
    const { status, lastLine } = gate({
      test: 'echo "12 passed, 2 failed, 0 skipped"; exit 2',
      lint: 'exit 1',
      demo: 'exit 1',
    });
    expect(lastLine).toBe('12 passed, 4 failed, 0 skipped');
    expect(status).toBe(1);
  });

  it('counts tests that came to no count, and a status that no count explains', () => {
    expect(gate({ test: 'echo crashed; exit 2' })).toMatchObject({
      lastLine: '0 passed, 1 failed, 0 skipped',
      status: 1,
    });
    rmSync(join(directory, 'bin'), { recursive: true });
    const unexplained = gate({ test: 'echo "5 passed, 0 failed, 0 skipped"; exit 2' });
    expect(unexplained).toMatchObject({ lastLine: '5 passed, 1 failed, 0 skipped', status: 1 });
  });

  it('gives its stages no standard input, and requires what tests may leave out', () => {
    const { status, stdout } = gate({
      setup: 'cat; echo "requires $TIDEMARK_REQUIRE"',
      test: 'echo "1 passed, 0 failed, 0 skipped"',
    });
    expect(stdout).toContain('requires data,java,kafka,browser,python,curl\n');
    expect(status).toBe(0);
  });
});
