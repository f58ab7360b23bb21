import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

/** The instructions, continued lines joined. */
const instructions = text('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [keyword = '', ...rest] = line.split(' ');
    return { keyword, value: rest.join(' ') };
  });
const stageStarts = instructions.flatMap(({ keyword }, index) => (keyword === 'FROM' ? [index] : []));
const finalStage = instructions.slice(stageStarts.at(-1));
const only = (keyword: string) => finalStage.filter((one) => one.keyword === keyword).map(({ value }) => value);

/** What is copied from the checkout, not from another stage. */
const copied = instructions
  .filter(({ keyword, value }) => keyword === 'COPY' && !value.startsWith('--from='))
  .flatMap(({ value }) => value.split(' ').slice(0, -1));

describe('the Dockerfile', () => {
  it('builds in stages, and ships the slim one', () => {
    expect(stageStarts.length).toBeGreaterThan(1);
    for (const index of stageStarts) expect(instructions[index]?.value).toMatch(/^node:\d+\.\d+\.\d+-bookworm/);
    expect(finalStage[0]?.value).toMatch(/-slim$/);
  });

  it('has the Node that the package asks for', () => {
    const wanted = /^>=(\d+)\.(\d+)$/.exec(JSON.parse(text('package.json')).engines.node);
    for (const index of stageStarts) {
      const [, major, minor] = /^node:(\d+)\.(\d+)/.exec(instructions[index]?.value ?? '') ?? [];
      expect(major).toBe(wanted?.[1]);
      expect(Number(minor)).toBeGreaterThanOrEqual(Number(wanted?.[2]));
    }
  });

  it('runs as another user than root, from before its first command', () => {
    expect(only('USER')).toEqual(['node']);
    const keywords = finalStage.map(({ keyword }) => keyword);
    expect(keywords.indexOf('USER')).toBeLessThan(keywords.indexOf('ENTRYPOINT'));
    expect(keywords.lastIndexOf('RUN')).toBeLessThan(keywords.indexOf('USER'));
  });

  it('asks itself whether it is well, and runs Tidemark', () => {
    expect(only('HEALTHCHECK').join()).toContain('/healthz');
    expect(only('ENTRYPOINT')).toEqual(['["node", "bin/tidemark.js"]']);
    expect(only('CMD')).toEqual(['["run"]']);
  });

  it('takes production packages only, and the broker client against the libraries of the system', () => {
    expect(only('COPY').filter((value) => value.startsWith('--from='))).toEqual([
      '--from=packages /app/node_modules node_modules',
      '--from=build /app/dist dist',
    ]);
    const packages = instructions.slice(0, stageStarts[1]).map(({ value }) => value);
    expect(packages).toContain('npm ci --omit=dev --ignore-scripts');
    expect(packages.join('\n')).toContain('CKJS_LINKING=dynamic');
  });

  it('ships what the package ships', () => {
    const { files }: { files: readonly string[] } = JSON.parse(text('package.json'));
    const shipped = new Set(only('COPY').flatMap((value) => value.split(' ').slice(0, -1)));
    const inImage = (file: string) => shipped.has(file) || shipped.has(`/app/${file}`);
    expect(files.filter((file) => file !== 'README.md' && !inImage(file))).toEqual([]);
  });

  it('copies only what there is, and what .dockerignore lets through: nothing else', () => {
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const [all, ...allowed] = text('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(all).toBe('*');
    expect(allowed.map((line) => line.replace(/^!/, '')).toSorted()).toEqual([...new Set(copied)].toSorted());
  });
});
