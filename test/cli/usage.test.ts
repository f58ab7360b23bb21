import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, run } from './command.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-usage-'));
});
afterAll(async () => {
  await endAll();
  rmSync(directory, { recursive: true, force: true });
});

const COMMANDS = ['demo', 'produce', 'run', 'bars', 'query', 'topics', 'status', 'scenario', 'migrate'];

describe('help', () => {
  it('teaches: what it is, the commands, examples, exit statuses', async () => {
    const { status, stdout, stderr } = await run(['--help']);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toContain('$ tidemark produce csv --layout');
    expect(stdout).toContain('Exit status: 0 done, 1 failed, 2 wrong usage');
  });

  it.each(COMMANDS)('of %s shows the options that every command takes', async (name) => {
    const { status, stdout } = await run([name, '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: tidemark ${name} `));
    for (const option of ['--config <file>', '--data <dir>', '--brokers <host:port>', '--registry <url>', '--json'])
      expect(stdout).toContain(option);
  });

  it('is shown on standard error, with status 2, when there is no command', async () => {
    const { status, stdout, stderr } = await run([]);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Commands:');
  });

  it('has a version', async () => {
    const { status, stdout } = await run(['--version']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  it.each([
    [['topcs'], "error TM_USAGE: unknown command 'topcs'\nhint: did you mean topics?\n"],
    [['topics', '--jsn'], "error TM_USAGE: unknown option '--jsn'\nhint: did you mean --json?\n"],
    [['topics', 'ticks'], "error TM_USAGE: too many arguments for 'topics'"],
    [['topics', '--data'], "error TM_USAGE: option '--data <dir>' argument missing"],
    [['run', '--roles', 'topologie'], 'error TM_USAGE: there is no role "topologie" (--roles)'],
    [['run', '--set', 'outOfOrdernessMs'], 'error TM_USAGE: "outOfOrdernessMs" is not of the form name=value (--set)'],
    [['run', '--brokers', '127.0.0.1:1'], 'error TM_USAGE: a broker needs a schema registry (--brokers)'],
    [['topics', '--brokers', 'localhost'], 'error TM_CONFIG: broker.urls must be a text that matches'],
    [['bars'], "error TM_USAGE: required option '--interval <interval>' not specified"],
  ])('%j ends with 2 and says what is wrong', async (args, message) => {
    const { status, stdout, stderr } = await run(args);
    expect(stderr.slice(0, message.length)).toBe(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('is told as JSON with --json', async () => {
    const { status, stderr } = await run(['topics', '--json', '--dta', 'x']);
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      code: 'TM_USAGE',
      message: "unknown option '--dta'",
      hint: 'did you mean --data?',
    });
  });

  it('of the configuration ends with 2 and names the place', async () => {
    const config = join(directory, 'tidemark.yaml');
    writeFileSync(config, 'log: { partition: 3 }\n');
    const { status, stderr } = await run(['topics', '--config', config, '--data', directory]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `error TM_CONFIG: there is no configuration key log.partition (${config}:1)\nhint: did you mean log.partitions?\n`,
    );
  });
});
