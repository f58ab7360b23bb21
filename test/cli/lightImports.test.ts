import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../src');
/** Import and export statements that remain when types are gone; those inside functions are `import(…)`. */
const STATIC_IMPORT = /^(?:import|export)\s(?!type\b)(?:[^;'"]*?\sfrom\s)?'([^']+)';/gm;

function staticImports(file: string): string[] {
  return Array.from(readFileSync(file, 'utf8').matchAll(STATIC_IMPORT), ([, name]) => name ?? '');
}

it('--help loads the declarations of the commands and nothing heavy', () => {
  const packages = new Set<string>();
  const files = new Set<string>();
  const follow = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const name of staticImports(file)) {
      if (name.startsWith('.')) follow(resolve(dirname(file), name));
      else packages.add(name);
    }
  };
  follow(resolve(ROOT, 'cli.ts'));
  expect(files.size).toBeGreaterThan(10);
  expect(Array.from(packages).filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
  const elsewhere = Array.from(files, (file) => file.slice(ROOT.length + 1)).filter((file) => !file.startsWith('cli'));
  expect(elsewhere.sort()).toEqual(['errors.ts', 'query/instant.ts']);
});
