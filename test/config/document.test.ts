import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configurationDocument } from '../../src/config/document.ts';

it('docs/configuration.md is what the schema generates', () => {
  const document = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  expect(document, 'run: node --import tsx scripts/generate-config-docs.ts').toBe(configurationDocument());
});
