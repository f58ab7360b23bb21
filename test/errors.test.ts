import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETUP_CODES } from '../scripts/setup/problem.mjs';
import { ERROR_CODES } from '../src/errors.ts';

const document = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const entries = new Map(
  document
    .split(/^## /m)
    .slice(1)
    .map((entry) => [entry.split('\n', 1)[0] ?? '', entry.slice(entry.indexOf('\n')).trim()]),
);
const codes = Object.entries({ ...ERROR_CODES, ...SETUP_CODES });

describe('docs/errors.md', () => {
  it('has an entry for each code, and for nothing else', () => {
    expect([...entries.keys()].sort()).toEqual(codes.map(([code]) => code).sort());
  });

  it.each(codes)('%s: begins with what the code means, and says what to do', (code, meaning) => {
    const entry = entries.get(code) ?? '';
    expect(entry.startsWith(meaning)).toBe(true);
    expect(entry).toMatch(/\*\*What to do:\*\* \S/);
  });
});
