import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../../src/log/registry/registryServer.ts';

const V1 = { type: 'record', name: 'Point', namespace: 'test', fields: [{ name: 'x', type: 'long' }] };
const V2 = { ...V1, fields: [...V1.fields, { name: 'y', type: ['null', 'long'], default: null }] };
const INCOMPATIBLE = { ...V1, fields: [{ name: 'x', type: 'string' }] };

describe('the registry server', () => {
  let directory: string;
  let registry: EmbeddedRegistry;
  let server: RegistryServer;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-registry-'));
    registry = await openEmbeddedRegistry({ directory });
    server = await serveRegistry(registry, 0);
  });

  afterEach(async () => {
    await server.close();
    await registry.close();
    rmSync(directory, { recursive: true });
  });

  async function ask(method: string, path: string, body?: unknown) {
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' } }),
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/vnd\.schemaregistry\.v1\+json/);
    return { status: response.status, body: await response.json() };
  }

  const schema = (value: unknown) => ({ schema: JSON.stringify(value) });
  const register = (subject: string, value: unknown) => ask('POST', `/subjects/${subject}/versions`, schema(value));
  const fails = (status: number, code: number) => ({ status, body: { error_code: code, message: expect.any(String) } });

  describe('with @kafkajs/confluent-schema-registry', () => {
    const avro = (value: unknown) => ({ type: SchemaType.AVRO as const, schema: JSON.stringify(value) });
    let client: SchemaRegistry;
    beforeEach(() => {
      client = new SchemaRegistry({ host: server.url }, {});
    });

    it('registers a schema, finds it again, and encodes and decodes with it', async () => {
      const { id } = await client.register(avro(V1), { subject: 'points-value' });
      expect(id).toBe(1);
      expect(await client.getRegistryId('points-value', 1)).toBe(id);
      expect(await client.getLatestSchemaId('points-value')).toBe(id);
      const framed = await client.encode(id, { x: 7 });
      expect(framed.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, id]));
      const other = new SchemaRegistry({ host: server.url }, {});
      expect(await other.decode(framed)).toMatchObject({ x: 7 });
    });

    it('takes a compatible version, and the same schema again without a new one', async () => {
      const first = await client.register(avro(V1), { subject: 'points-value' });
      const second = await client.register(avro(V2), { subject: 'points-value' });
      expect(second.id).not.toBe(first.id);
      expect(await client.register(avro(V1), { subject: 'points-value' })).toEqual(first);
      expect(registry.versions('points-value')).toHaveLength(2);
    });

    it('is refused an incompatible schema', async () => {
      await client.register(avro(V1), { subject: 'points-value' });
      const registered = client.register(avro(INCOMPATIBLE), { subject: 'points-value' });
      await expect(registered).rejects.toMatchObject({ status: 409 });
    });

    it('is refused an unknown id', async () => {
      await expect(client.getSchema(99)).rejects.toMatchObject({ status: 404 });
    });
  });

  it('lists subjects and versions, and gives a version by number or as the latest', async () => {
    await register('b-value', V1);
    await register('b-value', V2);
    await register('a%2Fodd', V1);
    expect(await ask('GET', '/subjects')).toEqual({ status: 200, body: ['a/odd', 'b-value'] });
    expect(await ask('GET', '/subjects/b-value/versions')).toEqual({ status: 200, body: [1, 2] });
    const first = { subject: 'b-value', version: 1, id: 1, schema: JSON.stringify(V1) };
    expect(await ask('GET', '/subjects/b-value/versions/1')).toEqual({ status: 200, body: first });
    expect(await ask('GET', '/subjects/b-value/versions/latest')).toMatchObject({ body: { version: 2, id: 2 } });
    expect(await ask('GET', '/schemas/ids/2')).toEqual({ status: 200, body: schema(V2) });
  });

  it('looks up which version has a schema', async () => {
    await register('a-value', V1);
    expect(await ask('POST', '/subjects/a-value', schema(V1))).toMatchObject({
      status: 200,
      body: { version: 1, id: 1 },
    });
    expect(await ask('POST', '/subjects/a-value', schema(V2))).toMatchObject(fails(404, 40403));
    expect(await ask('POST', '/subjects/none', schema(V1))).toMatchObject(fails(404, 40401));
  });

  it('answers what is unknown or malformed with the codes of the contract', async () => {
    await register('a-value', V1);
    expect(await ask('GET', '/schemas/ids/99')).toMatchObject(fails(404, 40403));
    expect(await ask('GET', '/subjects/none/versions')).toMatchObject(fails(404, 40401));
    expect(await ask('GET', '/subjects/none/versions/1')).toMatchObject(fails(404, 40401));
    expect(await ask('GET', '/subjects/a-value/versions/9')).toMatchObject(fails(404, 40402));
    expect(await ask('GET', '/subjects/a-value/versions/first')).toMatchObject(fails(422, 42202));
    expect(await ask('DELETE', '/subjects/none')).toMatchObject(fails(404, 40401));
    expect(await ask('GET', '/none')).toMatchObject(fails(404, 404));
    expect(await register('a-value', { type: 'nothing' })).toMatchObject(fails(422, 42201));
    expect(await ask('POST', '/subjects/a-value/versions', {})).toMatchObject(fails(422, 42201));
    const protobuf = { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' };
    expect(await ask('POST', '/subjects/a-value/versions', protobuf)).toMatchObject(fails(422, 42201));
  });

  it('refuses an incompatible version and says why', async () => {
    await register('a-value', V1);
    expect(await register('a-value', INCOMPATIBLE)).toMatchObject(fails(409, 409));
    const path = '/compatibility/subjects/a-value/versions';
    expect(await ask('POST', `${path}/latest`, schema(INCOMPATIBLE))).toMatchObject({ body: { is_compatible: false } });
    expect(await ask('POST', `${path}/1`, schema(V2))).toMatchObject({ body: { is_compatible: true } });
    expect(await ask('POST', `${path}/2`, schema(V2))).toMatchObject(fails(404, 40402));
  });

  it('keeps a compatibility level for all subjects and for one', async () => {
    expect(await ask('GET', '/config')).toEqual({ status: 200, body: { compatibilityLevel: 'BACKWARD' } });
    expect(await ask('GET', '/config/a-value')).toMatchObject(fails(404, 40408));
    const full = { compatibility: 'FULL' };
    expect(await ask('PUT', '/config', full)).toEqual({ status: 200, body: full });
    expect(await ask('GET', '/config')).toMatchObject({ body: { compatibilityLevel: 'FULL' } });
    const inherited = await ask('GET', '/config/a-value?defaultToGlobal=true');
    expect(inherited).toMatchObject({ body: { compatibilityLevel: 'FULL' } });

    await ask('PUT', '/config/a-value', { compatibility: 'NONE' });
    expect(await ask('GET', '/config/a-value')).toMatchObject({ body: { compatibilityLevel: 'NONE' } });
    await register('a-value', V1);
    expect(await register('a-value', INCOMPATIBLE)).toMatchObject({ status: 200 });
    expect(await ask('PUT', '/config', { compatibility: 'SOME' })).toMatchObject(fails(422, 42203));
  });

  it('deletes a subject; its schemas are still found by id', async () => {
    await register('a-value', V1);
    expect(await ask('DELETE', '/subjects/a-value')).toEqual({ status: 200, body: [1] });
    expect(await ask('GET', '/subjects')).toEqual({ status: 200, body: [] });
    expect(await ask('GET', '/schemas/ids/1')).toMatchObject({ status: 200 });
  });
});
