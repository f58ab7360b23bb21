import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareBrokerClient } from '../../scripts/setup/brokerClient.mjs';

const CLIENT = 'node_modules/@confluentinc/kafka-javascript';
const DOWNLOADER = 'node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp';

/** A checkout with stand-ins for the client, its downloader, npm and the build tools: what is tested is the order of tries. */
describe('the broker client', () => {
  let root: string;
  let said: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidemark-broker-'));
    said = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path: string, text: string) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  function program(name: string, body: string) {
    write(`bin/${name}`, `#!/bin/sh\n${body}\n`);
    chmodSync(join(root, 'bin', name), 0o755);
  }

  /** A client that loads once its binary is there. */
  function client() {
    write(`${CLIENT}/index.js`, "require('./binary.json');");
    write(DOWNLOADER, 'process.exit(1);');
  }

  function buildTools(npm: string) {
    for (const tool of ['g++', 'make', 'python3']) program(tool, 'exit 1');
    program('npm', npm);
  }

  function prepare() {
    const env = { PATH: join(root, 'bin'), JOBS: '4', MAKEFLAGS: '-j4' };
    const outputFile = join(root, 'setup.log');
    return prepareBrokerClient({ root, env, outputFile, say: (line) => said.push(line) });
  }

  it('is left out where npm did not install it', async () => {
    expect(await prepare()).toBe('npm did not install it');
  });

  it('is taken as it is where it loads', async () => {
    client();
    write(`${CLIENT}/binary.json`, '{}');
    expect(await prepare()).toBeUndefined();
    expect(said).toEqual([]);
  });

  it('is taken from a prebuilt binary where there is one', async () => {
    client();
    write(DOWNLOADER, `require('fs').writeFileSync('${CLIENT}/binary.json', '{}');`);
    expect(await prepare()).toBeUndefined();
    expect(said).toEqual(['broker client: looking for a prebuilt binary ...']);
  });

  it('is built with the libraries of the system, and without parallel make', async () => {
    client();
    buildTools(`echo '{}' > ${CLIENT}/binary.json; echo "$CKJS_LINKING:$JOBS:$MAKEFLAGS" > ${CLIENT}/built-with`);
    expect(await prepare()).toBeUndefined();
    expect(said).toHaveLength(2);
    expect(readFileSync(join(root, CLIENT, 'built-with'), 'utf8')).toBe('dynamic::\n');
  });

  it('is left out, with what is missing, where it can be neither fetched nor built', async () => {
    client();
    program('npm', 'exit 1');
    expect(await prepare()).toBe(
      'there is no prebuilt binary for this machine, and building one needs g++ make python3',
    );
  });

  it('is left out where its build fails, and where a build that went well made nothing that loads', async () => {
    client();
    buildTools('exit 1');
    expect(await prepare()).toMatch(/^its build failed; what it said is in .*setup\.log$/);
    buildTools('exit 0');
    expect(await prepare()).toMatch(/^its build made nothing that loads; what it said is in .*setup\.log$/);
  });
});
