import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
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

  /** A registry that answers as told, for the length of `use`. */
  async function answering(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
    const stub = createServer(answer);
    await new Promise<void>((listening) => stub.listen(0, '127.0.0.1', listening));
    const address = stub.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await use(`http://127.0.0.1:${port}`);
    await new Promise((closed) => stub.close(closed));
  }

  it.each([429, 500, 503])('is asked again when it answers %i', async (status) => {
    let asked = 0;
    await answering(
      (_request, response) => {
        asked++;
        if (asked < 3) response.writeHead(status).end('{"error_code": 1, "message": "not now"}');
        else response.end(JSON.stringify({ schema: JSON.stringify(V1) }));
      },
      async (url) => expect(JSON.parse(await open(url).schemaById(1))).toEqual(V1),
    );
    expect(asked).toBe(3);
  });

  it('is told from something else that answers at its address', async () => {
    await answering(
      (_request, response) => response.end('<html>Welcome</html>'),
      async (url) => {
        await expect(open(url).schemaById(1)).rejects.toMatchObject({ code: 'TM_REGISTRY_FAILED' });
        const registered = open(url).register('points-value', JSON.stringify(V1));
        await expect(registered).rejects.toMatchObject({ code: 'TM_REGISTRY_FAILED' });
      },
    );
  });

  it('sends a login, and says when it is refused', async () => {
    let authorization: string | undefined;
    await answering(
      (request, response) => {
        authorization = request.headers.authorization;
        response.writeHead(401).end('{"error_code": 40101, "message": "User cannot be authenticated"}');
      },
      async (url) => {
        const registry = httpRegistry({ url, user: 'ann', password: 'secret' });
        await expect(registry.schemaById(1)).rejects.toMatchObject({
          code: 'TM_REGISTRY_FAILED',
          message: expect.stringContaining('User cannot be authenticated'),
        });
      },
    );
    expect(authorization).toBe(`Basic ${Buffer.from('ann:secret').toString('base64')}`);
  });
});
