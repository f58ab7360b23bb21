import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { section } from './markdown.ts';

const root = join(import.meta.dirname, '../..');
const promised = section(readFileSync(join(root, 'docs/guarantees.md'), 'utf8'), 'What is promised');

interface NamedTest {
  readonly file: string;
  readonly link: string;
  readonly title: string;
}

const named: readonly NamedTest[] = [...promised.matchAll(/^- \[(test\/[^\]]+)\]\(([^)]+)\) "(.+)"$/gm)].map(
  ([, file = '', link = '', title = '']) => ({ file, link, title }),
);

/** Whether a test of this title is declared: as the first argument of a call, as in `it('title', …)`. */
function declares(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => {
    const [before, after] = source.split(`${quote}${title}${quote}`);
    return after !== undefined && before?.trimEnd().endsWith('(') === true;
  });
}

describe('docs/guarantees.md', () => {
  it.each(named)('$file has the test "$title"', ({ file, link, title }) => {
    expect(link).toBe(`../${file}`);
    expect(existsSync(join(root, file)), file).toBe(true);
    expect(declares(readFileSync(join(root, file), 'utf8'), title)).toBe(true);
  });

  it('names a test for each promise, in the one form that is checked', () => {
    const promises = promised.split(/^### /m).slice(1);
    expect(promises.length).toBeGreaterThan(5);
    for (const promise of promises) expect(promise).toMatch(/^- \[test\//m);
    expect(promised.match(/^- /gm)).toHaveLength(named.length);
  });
});
