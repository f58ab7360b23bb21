import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, readStamp, writeStamp } from '../../scripts/setup/stamp.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidemark-stamp-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("set-up's stamp", () => {
  it('is empty in a fresh checkout, and gone with node_modules', () => {
    expect(readStamp(root)).toEqual({});
    mkdirSync(join(root, 'node_modules'));
    const stamp = { packages: 'a', brokerClient: { nodeAbi: '115', leftOut: 'no compiler' } };
    writeStamp(root, stamp);
    expect(readStamp(root)).toEqual(stamp);
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(readStamp(root)).toEqual({});
  });
});

describe('a fingerprint', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'src', 'deep'), { recursive: true });
    writeFileSync(join(root, 'src', 'deep', 'a.ts'), 'one');
  });
  const take = () => fingerprint({ words: ['linux'], paths: [join(root, 'src')] });

  it('stays while nothing changes', () => expect(take()).toBe(take()));

  it('changes with the content of a file below, with a name, and with a word', () => {
    const before = take();
    writeFileSync(join(root, 'src', 'deep', 'a.ts'), 'two');
    expect(take()).not.toBe(before);
    writeFileSync(join(root, 'src', 'deep', 'a.ts'), 'one');
    expect(take()).toBe(before);
    renameSync(join(root, 'src', 'deep', 'a.ts'), join(root, 'src', 'deep', 'b.ts'));
    expect(take()).not.toBe(before);
    expect(fingerprint({ words: ['darwin'], paths: [join(root, 'src')] })).not.toBe(take());
  });
});
