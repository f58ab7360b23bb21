import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { registryContract } from './contract.ts';

const V1 = { type: 'record', name: 'Point', fields: [{ name: 'x', type: 'long' }] };
const WITH_DEFAULT = {
  ...V1,
  fields: [...V1.fields, { name: 'y', type: ['null', 'long'], default: null }],
};
const WITHOUT_DEFAULT = { ...V1, fields: [...V1.fields, { name: 'y', type: 'long' }] };

describe('the embedded registry', () => {
  let directory: string;
  let registry: EmbeddedRegistry;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-registry-'));
    registry = await openEmbeddedRegistry({ directory });
  });

  afterEach(async () => {
    await registry.close();
    rmSync(directory, { recursive: true });
  });

  registryContract('the embedded registry', () => registry);

  it('gives ids from 1 up, and the same id to the same schema under any subject', async () => {
    expect(await registry.register('a-value', JSON.stringify(V1))).toBe(1);
    expect(await registry.register('b-value', '"string"')).toBe(2);
    expect(await registry.register('c-value', JSON.stringify(V1, null, 2))).toBe(1);
    expect(registry.subjects()).toEqual(['a-value', 'b-value', 'c-value']);
  });

  it('finds a schema again by id, in canonical text', async () => {
    const id = await registry.register('a-value', '{ "name": "P", "fields": [], "doc": "kept", "type": "record" }');
    expect(await registry.schemaById(id)).toBe('{"type":"record","name":"P","doc":"kept","fields":[]}');
  });

  it('registers a schema once, whatever its white space and order of attributes', async () => {
    const id = await registry.register('a-value', '{"type":"record","name":"P","fields":[{"name":"x","type":"long"}]}');
    const spaced = '{ "fields": [ {"type": {"type": "long"}, "name": "x"} ], "name": "P", "type": "record" }';
    expect(await registry.register('a-value', spaced)).toBe(id);
    expect(registry.versions('a-value')).toHaveLength(1);
  });

  it('takes documentation, defaults and logical types for parts of a schema', async () => {
    const plain = await registry.register('a-value', '"long"');
    const logical = await registry.register('a-value', '{"type":"long","logicalType":"timestamp-micros"}');
    expect(logical).not.toBe(plain);
  });

  it('takes a new version that reads the last one, and refuses one that does not', async () => {
    await registry.register('a-value', JSON.stringify(V1));
    await expect(registry.register('a-value', JSON.stringify(WITHOUT_DEFAULT))).rejects.toMatchObject({
      code: 'TM_SCHEMA_INCOMPATIBLE',
      where: 'a-value',
    });
    expect(await registry.register('a-value', JSON.stringify(WITH_DEFAULT))).toBe(2);
    expect(registry.versions('a-value').map(({ version, id }) => [version, id])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it.each([
    ['NONE', true, true],
    ['BACKWARD', false, true],
    ['FORWARD', true, true],
    ['FULL', false, true],
  ] as const)('holds a subject to the level %s', async (level, addsRequired, addsOptional) => {
    await registry.register('a-value', JSON.stringify(V1));
    registry.setCompatibility('a-value', level);
    const fits = (schema: object) =>
      registry.incompatibilities('a-value', JSON.stringify(schema), registry.versions('a-value')).length === 0;
    expect([fits(WITHOUT_DEFAULT), fits(WITH_DEFAULT)]).toEqual([addsRequired, addsOptional]);
  });

  it('holds a transitive level to all versions', async () => {
    registry.setCompatibility(null, 'NONE');
    await registry.register('a-value', '"string"');
    await registry.register('a-value', '"int"');
    registry.setCompatibility(null, 'BACKWARD');
    const versions = registry.versions('a-value');
    expect(registry.incompatibilities('a-value', '"long"', versions)).toEqual([]);
    registry.setCompatibility('a-value', 'BACKWARD_TRANSITIVE');
    expect(registry.incompatibilities('a-value', '"long"', versions)).toHaveLength(1);
  });

  it('hides a deleted subject, keeps its schemas and does not give its versions again', async () => {
    const id = await registry.register('a-value', JSON.stringify(V1));
    expect(registry.deleteSubject('a-value')).toEqual([1]);
    expect(registry.subjects()).toEqual([]);
    expect(JSON.parse(await registry.schemaById(id))).toEqual(V1);
    expect(await registry.register('a-value', JSON.stringify(V1))).toBe(id);
    expect(registry.versions('a-value')).toMatchObject([{ version: 2 }]);
  });

  it.each(['not json', '{"type":"record"}', '{"type":"nothing"}'])('refuses %s', async (text) => {
    await expect(registry.register('a-value', text)).rejects.toMatchObject({ code: 'TM_SCHEMA_INVALID' });
  });

  it('refuses an unknown id', async () => {
    await expect(registry.schemaById(9)).rejects.toMatchObject({ code: 'TM_SCHEMA_UNKNOWN' });
  });

  it('keeps what was registered, and shares it with another opening of the store', async () => {
    const other = await openEmbeddedRegistry({ directory });
    const id = await other.register('a-value', JSON.stringify(V1));
    expect(await registry.register('b-value', JSON.stringify(V1))).toBe(id);
    await other.close();
    await registry.close();
    registry = await openEmbeddedRegistry({ directory });
    expect(JSON.parse(await registry.schemaById(id))).toEqual(V1);
  });

  it('answers nothing after it was closed', async () => {
    await registry.close();
    await expect(registry.register('a-value', '"long"')).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
  });
});
