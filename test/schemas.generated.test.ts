import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { generateSchemas } from '../scripts/generate-schemas.ts';

it('the generated schemas are those of schemas/avro (if not: npx tsx scripts/generate-schemas.ts)', () => {
  expect(readFileSync('src/schemas.generated.ts', 'utf8')).toBe(generateSchemas());
});
