import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runBounded } from '../../scripts/setup/command.mjs';
import { requirement } from '../support/requirement.ts';

const hasProc = requirement(
  'linux',
  process.platform === 'linux',
  'a look in /proc for what a stopped command started',
);

describe('a bounded command of set-up', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-command-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const outputFile = () => join(directory, 'output.log');
  const run = (command: string, args: string[], timeoutMs: number) =>
    runBounded(command, args, { cwd: directory, env: process.env, timeoutMs, outputFile: outputFile() });

  it('gives its status, and keeps what it said', async () => {
    const script = 'console.log("out"); console.error("err"); process.exit(3)';
    expect(await run(process.execPath, ['-e', script], 30_000)).toEqual({ status: 3, timedOut: false });
    expect(readFileSync(outputFile(), 'utf8')).toMatch(/^\$ .*\nout\nerr\n$/);
  });

  it('has no standard input', async () => {
    const script = 'process.stdin.resume().on("end", () => process.exit(0))';
    expect((await run(process.execPath, ['-e', script], 30_000)).status).toBe(0);
  });

  it('says that a command could not be started', async () => {
    expect(await run('no-such-command-anywhere', [], 30_000)).toEqual({ status: null, timedOut: false });
    expect(readFileSync(outputFile(), 'utf8')).toContain('ENOENT');
  });

  it.runIf(hasProc)('is stopped in time with all that it started', async () => {
    const grandchild = `require('fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000);`;
    const child = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], {stdio: 'inherit'});
      process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
    const result = await run(process.execPath, ['-e', child], 2_000);
    expect(result).toEqual({ status: null, timedOut: true });
    const pid = readFileSync(join(directory, 'pid'), 'utf8');
    // Killed, it stays a zombie until its new parent takes note of it.
    const isAlive = () => existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    await expect.poll(isAlive, { timeout: 10_000 }).toBe(false);
  });
});
