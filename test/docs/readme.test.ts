import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { serveRegistry } from '../../src/log/registry/registryServer.ts';
import { endAll, run } from '../cli/command.ts';
import { startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { freePort } from '../support/ports.ts';
import { requirement } from '../support/requirement.ts';
import { fencedBlocks, inlineCode, section } from './markdown.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = fencedBlocks(readme);

const MOST_TOUR_LINES = 60;
const RUN_TIMEOUT_MS = 240_000;
/** Between the outputs of two blocks: no command prints it. */
const SEPARATOR = '\x1e';
/** What a run may make in a checkout: the copy begins without it. */
const MADE_BY_RUNS = new Set(['.git', '.tidemark', 'tour', 'coverage']);

/** The targets of `make` that a text names. */
function makeTargets(text: string): readonly string[] {
  return [...text.matchAll(/\bmake ([a-z]+)/g)].map(([, target = '']) => target);
}

const isMake = (text: string): boolean => text.split('\n').every((line) => line === '' || line.startsWith('make '));
const shellBlocks = blocks.filter(({ language }) => language === 'sh');
const tour = shellBlocks.filter(({ text }) => !isMake(text));
/** What the README's addresses are taken for: each is replaced by a real one, or its blocks are left out. */
const API = 'localhost:8080';
const BROKER = 'localhost:19092';
const REGISTRY = 'http://localhost:18081';

const missingBroker = whyNoBroker();
const canReach: Readonly<Record<string, boolean>> = {
  [API]: requirement('curl', spawnSync('curl', ['--version']).status === 0, "the README's commands for the API"),
  [BROKER]: requirement('kafka', missingBroker === null, `the README's commands for a broker: ${missingBroker}`),
};

/** What a block should print: the `text` block right after it. */
function shownAfter(block: (typeof blocks)[number]): string {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.language === 'text' ? next.text : '';
}

/** A directory that looks like the checkout, with an `npx` that runs the command line as npm's own would. */
function makeCheckout(): string {
  const checkout = mkdtempSync(join(tmpdir(), 'tidemark-readme-'));
  for (const name of readdirSync(root).filter((entry) => !MADE_BY_RUNS.has(entry))) {
    symlinkSync(join(root, name), join(checkout, name));
  }
  mkdirSync(join(checkout, 'path'));
  const npx = [
    '#!/bin/sh',
    '[ "$1 $2" = "--no-install tidemark" ] || { echo "not to be run: npx $*" >&2; exit 127; }',
    'shift 2',
    `exec '${process.execPath}' bin/tidemark.js "$@"`,
  ];
  writeFileSync(join(checkout, 'path', 'npx'), `${npx.join('\n')}\n`, { mode: 0o755 });
  return checkout;
}

/** Runs a script in a process group of its own, which is ended whole. */
async function runScript(script: string, options: SpawnOptions) {
  const child = spawn('bash', ['-eu', '-c', script], { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('bash does not start');
  const endGroup = (): void => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  };
  const timer = setTimeout(endGroup, RUN_TIMEOUT_MS);
  const [status]: unknown[] = await once(child, 'exit');
  clearTimeout(timer);
  endGroup();
  return { status, ...output };
}

describe('the README', () => {
  let checkout: string;
  const addresses = new Map<string, string>();
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    checkout = makeCheckout();
    addresses.set(API, `localhost:${await freePort()}`);
    if (!canReach[BROKER]) return;
    const broker = await startBroker();
    closing.push(() => broker.remove());
    const registry = await openEmbeddedRegistry({ directory: join(checkout, 'registry') });
    closing.push(() => registry.close());
    const server = await serveRegistry(registry, 0);
    closing.push(() => server.close());
    addresses.set(BROKER, broker.urls).set(REGISTRY, server.url);
  }, RUN_TIMEOUT_MS);

  afterAll(async () => {
    await endAll();
    for (const close of closing.reverse()) await close();
    rmSync(checkout, { recursive: true });
  });

  it('has only commands that succeed, and print what it shows', { timeout: RUN_TIMEOUT_MS }, async () => {
    const tried = tour.filter(({ text }) => !Object.keys(canReach).some((at) => text.includes(at) && !canReach[at]));
    let script = tried.map(({ text }) => `${text}printf '${SEPARATOR}'\n`).join('');
    for (const [shown, real] of addresses) script = script.replaceAll(shown, real);
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_'));
    const { status, stdout, stderr } = await runScript(script, {
      cwd: checkout,
      env: {
        ...Object.fromEntries(own),
        PATH: `${join(checkout, 'path')}${delimiter}${process.env.PATH}`,
        // The port that the README's addresses have is the default one.
        TIDEMARK_API_PORT: new URL(`http://${addresses.get(API)}`).port,
      },
    });
    expect(stdout.split(SEPARATOR).slice(0, -1), stderr).toEqual(tried.map(shownAfter));
    expect(status, stderr).toBe(0);
  });

  it('names only targets of make that the gate runs', () => {
    const gate = readFileSync(join(root, '.ci/run'), 'utf8');
    const gated = new Set([...gate.matchAll(/^(?:check|run_tests) .*\bmake ([a-z]+)/gm)].map(([, target]) => target));
    const named = [...inlineCode(readme), ...shellBlocks.map(({ text }) => text)].flatMap(makeTargets);
    expect(named).toContain('demo');
    expect(named.filter((target) => !gated.has(target))).toEqual([]);
  });

  it('names only commands that there are', async () => {
    const named = inlineCode(readme).flatMap((code) => /^tidemark((?: [a-z]+)+)/.exec(code)?.[1]?.trim() ?? []);
    expect(named).toContain('produce csv');
    for (const command of new Set(named)) {
      const words = command.split(' ');
      const { stdout } = await run([...words, '--help']);
      expect(stdout).toContain(`Usage: tidemark ${command} `);
    }
  });

  it(`has a tour of at most ${MOST_TOUR_LINES} lines`, () => {
    expect(section(readme, 'Tour').split('\n').length).toBeLessThanOrEqual(MOST_TOUR_LINES);
  });

  it('shows every output after the commands that make it', () => {
    const shown = blocks.filter(({ language }) => language === 'text').map(({ line }) => line);
    const expected = tour.flatMap((block) => blocks[blocks.indexOf(block) + 1]?.line ?? []);
    expect(shown.filter((line) => !expected.includes(line))).toEqual([]);
    expect(blocks.filter(({ language }) => language !== 'text' && language !== 'sh')).toEqual([]);
  });
});
