import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npmEnvironment, requireDisk, requireNode, writeNpmrc } from '../../scripts/setup/machine.mjs';

describe('the Node.js that set-up asks for', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('takes %s', (version) => {
    expect(() => requireNode(version)).not.toThrow();
  });

  it.each(['20.18.9', '18.20.8', '8.0.0'])('refuses %s with a code', (version) => {
    expect(() => requireNode(version)).toThrow(expect.objectContaining({ code: 'TM_SETUP_NODE' }));
  });
});

describe('the disk space that set-up asks for', () => {
  it('takes 1.5 GB', () => expect(() => requireDisk(1.5e9, '/checkout')).not.toThrow());

  it('refuses less with a code, and says how much there is and where', () => {
    expect(() => requireDisk(1.4e9, '/checkout')).toThrow(
      expect.objectContaining({
        code: 'TM_SETUP_DISK',
        message: 'Too little disk space: 1.4 GB free at /checkout, 1.5 GB needed.',
      }),
    );
  });
});

describe("npm's cache", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidemark-machine-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A place where nothing can be made, not even by root: a file is in the way. */
  function unwritable(): string {
    writeFileSync(join(root, 'in-the-way'), '');
    return join(root, 'in-the-way', '.npm');
  }

  const npmrc = () => readFileSync(join(root, '.npmrc'), 'utf8');

  it('stays where it is as long as that can be written', () => {
    const cache = join(root, 'home', '.npm');
    const env = npmEnvironment({ npm_config_cache: cache }, root);
    expect(env.npm_config_cache).toBe(cache);
    expect(env.npm_config_devdir).toBeUndefined();
    writeNpmrc({ npm_config_cache: cache }, root);
    expect(npmrc()).not.toContain('cache=');
  });

  it('goes under the checkout where it cannot be written, for npm, node-gyp and npx', () => {
    const cache = unwritable();
    const env = npmEnvironment({ npm_config_cache: cache }, root);
    expect(env.npm_config_cache).toBe(join(root, '.npm-cache'));
    expect(env.npm_config_devdir).toBe(join(root, '.npm-cache', 'node-gyp'));
    writeNpmrc({ npm_config_cache: cache }, root);
    expect(npmrc()).toContain(`cache=${join(root, '.npm-cache')}\n`);
  });

  it('goes back when the home directory can be written again', () => {
    writeNpmrc({ npm_config_cache: unwritable() }, root);
    writeNpmrc({ npm_config_cache: join(root, 'home', '.npm') }, root);
    expect(npmrc()).not.toContain('cache=');
  });

  it("leaves a user's own .npmrc alone", () => {
    mkdirSync(join(root, 'home'));
    writeFileSync(join(root, '.npmrc'), 'proxy=http://proxy.example\n');
    writeNpmrc({ npm_config_cache: unwritable() }, root);
    expect(npmrc()).toBe('proxy=http://proxy.example\n');
  });
});
