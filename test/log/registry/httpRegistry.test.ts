import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { httpRegistry } from '../../../src/log/registry/httpRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../../src/log/registry/registryServer.ts';
import { registryOverHttp } from './overHttp.ts';

const V1 = { type: 'record', name: 'Point', namespace: 'test', fields: [{ name: 'x', type: 'long', doc: 'where' }] };

describe('the registry over HTTP', () => {
  let directory: string;
  let embedded: EmbeddedRegistry;
  let server: RegistryServer;
  const open = (url: string) => httpRegistry({ url, user: '', password: '' });

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-http-registry-'));
    embedded = await openEmbeddedRegistry({ directory });
    server = await serveRegistry(embedded, 0);
  });

  afterEach(async () => {
    await server.close();
    await embedded.close();
    rmSync(directory, { recursive: true });
  });

  registryOverHttp("Tidemark's own registry", () => server.url);

  it('is waited for when it is away for a moment', async () => {
    const id = await open(server.url).register('points-value', JSON.stringify(V1));
    const port = Number(new URL(server.url).port);
    await server.close();
    const asked = open(`http://127.0.0.1:${port}`).schemaById(id);
    server = await serveRegistry(embedded, port);
    expect(JSON.parse(await asked)).toEqual(V1);
  });

  it('is given up, with what to do, when it stays away', async () => {
    const { url } = server;
    await server.close();
    await expect(open(url).schemaById(1)).rejects.toMatchObject({
      code: 'TM_REGISTRY_UNREACHABLE',
      where: url,
      hint: expect.stringContaining('--registry'),
    });
    server = await serveRegistry(embedded, 0);
  });

  it('sends a login, and says when it is refused', async () => {
    let authorization: string | undefined;
    const refusing = createServer((request, response) => {
      authorization = request.headers.authorization;
      response.writeHead(401).end('{"error_code": 40101, "message": "User cannot be authenticated"}');
    });
    await new Promise<void>((listening) => refusing.listen(0, '127.0.0.1', listening));
    const address = refusing.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const registry = httpRegistry({ url: `http://127.0.0.1:${port}`, user: 'ann', password: 'secret' });
    await expect(registry.schemaById(1)).rejects.toMatchObject({ code: 'TM_REGISTRY_FAILED' });
    expect(authorization).toBe(`Basic ${Buffer.from('ann:secret').toString('base64')}`);
    await new Promise((closed) => refusing.close(closed));
  });
});
