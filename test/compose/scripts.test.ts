import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '../..');

/** The scripts in a checkout of their own, with a `docker` that only says how it was called, or none. */
describe('without a real Docker', () => {
  let checkout: string;
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'tidemark-compose-'));
    mkdirSync(join(checkout, 'path'));
    cpSync(join(root, 'scripts'), join(checkout, 'scripts'), { recursive: true });
  });
  afterEach(() => rmSync(checkout, { recursive: true, force: true }));

  function docker(body: string) {
    writeFileSync(join(checkout, 'path/docker'), `#!/bin/sh\n${body}\n`);
    chmodSync(join(checkout, 'path/docker'), 0o755);
  }

  function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
    // The directories of node and of the shell's own programs; where those have a docker, ours comes first.
    const PATH = [join(checkout, 'path'), dirname(process.execPath), '/usr/bin', '/bin'].join(':');
    return spawnSync(command, args, { cwd: checkout, env: { PATH, ...env }, encoding: 'utf8', timeout: 30_000 });
  }
  const compose = (args: readonly string[], env?: Record<string, string>) =>
    run(process.execPath, [join(checkout, 'scripts/compose.mjs'), ...args], env);

  const secretsFile = () => join(checkout, '.env');
  const secrets = () =>
    Object.fromEntries(
      readFileSync(secretsFile(), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => line.split('=')),
    );

  it('compose.mjs writes secrets of its own that Tidemark takes, for its user alone, and keeps them', () => {
    docker('[ "$2" = version ] || echo "called: $*"');
    const { status, stdout } = compose(['up', '--detach', '--wait']);
    expect(status).toBe(0);
    expect(stdout).toBe('called: compose up --detach --wait\n');
    expect(statSync(secretsFile()).mode & 0o777).toBe(0o600);
    const first = secrets();
    const { api, clickhouse } = loadConfig({ env: first });
    expect(api.key).toHaveLength(48);
    expect(clickhouse.password).toHaveLength(48);
    expect(api.key).not.toBe(clickhouse.password);
    compose(['down']);
    expect(secrets()).toEqual(first);
  });

  it('compose.mjs writes none where they are set', () => {
    docker(':');
    compose(['up'], { TIDEMARK_API_KEY: 'a-key-of-my-own-0', TIDEMARK_CLICKHOUSE_PASSWORD: 'another' });
    expect(existsSync(secretsFile())).toBe(false);
  });

  it('compose.mjs says so without compose, and what works all the same', () => {
    docker('exit 1');
    const { status, stderr } = compose(['up']);
    expect(status).toBe(1);
    expect(stderr).toContain('Docker with its compose plugin is not installed');
    expect(stderr).toContain('make demo');
    expect(existsSync(secretsFile())).toBe(false);
  });

  it('compose-smoke fails and says so: no compose, or no engine', () => {
    docker('exit 1');
    const without = run('bash', [join(checkout, 'scripts/compose-smoke')]);
    expect(without.status).toBe(1);
    expect(without.stderr).toBe('compose-smoke: Docker with its compose plugin is not installed, or not in PATH\n');
    docker('[ "$1" = compose ]');
    const stopped = run('bash', [join(checkout, 'scripts/compose-smoke')]);
    expect(stopped.status).toBe(1);
    expect(stopped.stderr).toBe('compose-smoke: no Docker engine answers: start it, or see DOCKER_HOST\n');
  });

  it('compose-smoke takes down what it started, volumes included, also when it could not start', () => {
    docker('echo "$*" >> calls; case "$*" in *" up "*) exit 1 ;; esac');
    const { status } = run('bash', [join(checkout, 'scripts/compose-smoke')]);
    const calls = readFileSync(join(checkout, 'calls'), 'utf8').trimEnd().split('\n');
    expect(status).toBe(1);
    expect(calls.at(-1)).toMatch(/^compose --project-name tidemark-smoke-\d+ down --volumes --remove-orphans$/);
  });
});
