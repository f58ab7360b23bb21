import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openClickHouse } from '../../src/sinks/clickhouse/connect.ts';
import { endAll, start } from '../cli/command.ts';
import { configOf, openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const KEY = 'a-key-of-sixteen+';

describe('the API', { timeout: TIMEOUT_MS }, async () => {
  const data = temporaryData();
  const stores = await openStores(data);
  afterEach(endAll);

  it('takes a free port when its own is taken, and says so', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const api = await serve(stores, { api: { port } });
    expect(api.isOtherPort).toBe(true);
    expect(api.url).not.toContain(`:${port}`);
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    await api.close();
    taken.close();
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'example.test'])('does not listen on %s without a key', async (host) => {
    await expect(serve(stores, { api: { host } })).rejects.toMatchObject({ code: 'TM_CONFIG', exitStatus: 2 });
  });

  it('says so when its address is not of this machine', async () => {
    await expect(serve(stores, { api: { host: '192.0.2.1', key: KEY } })).rejects.toMatchObject({
      code: 'TM_API_LISTEN',
    });
  });

  it.each([
    ['localhost', 200],
    ['LOCALHOST:8080', 200],
    ['127.0.0.1:1', 200],
    ['127.1.2.3', 200],
    ['[::1]', 200],
    ['[::1]:8080', 200],
    ['example.test', 403],
    ['example.test:8080', 403],
    ['localhost.example.test', 403],
    ['127.0.0.1.example.test', 403],
    ['192.0.2.1:8080', 403],
    ['[2001:db8::1]:8080', 403],
    ['localhost@example.test', 403],
    ['example.test:8080@localhost', 403],
    [':8080', 403],
  ])('on this machine only, answers host %j with %i', async (host, status) => {
    const api = await serve(stores);
    for (const path of ['/', '/healthz', '/v1/symbols', '/nothing']) {
      const { statusCode, body } = await ask(api.url + path, { host });
      expect(statusCode, path).toBe(status === 200 && path === '/nothing' ? 404 : status);
      if (status === 403) expect(JSON.parse(body)).toMatchObject({ status, code: 'TM_API_HOST', where: 'host' });
    }
    await api.close();
  });

  it('answers to any host where it is reached from elsewhere and asks for a key', async () => {
    const api = await serve(stores, { api: { host: '0.0.0.0', key: KEY } });
    const url = `http://127.0.0.1:${new URL(api.url).port}/v1/symbols`;
    expect((await ask(url, { host: 'example.test', 'x-api-key': KEY })).statusCode).toBe(200);
    expect((await ask(url, { host: 'example.test' })).statusCode).toBe(401);
    await api.close();
  });

  it('asks for the key where one is set', async () => {
    const api = await serve(stores, { api: { host: '0.0.0.0', key: KEY } });
    const url = `http://127.0.0.1:${new URL(api.url).port}`;
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(url + path, { headers })).status;
    for (const path of ['/v1/symbols', '/v1/bars?interval=1m', '/v1/latest', '/v1/late', '/v1/stream', '/metrics']) {
      expect(await status(path), path).toBe(401);
      expect(await status(path, { 'x-api-key': `${KEY}x` })).toBe(401);
      expect(await status(path, { authorization: `Basic ${KEY}` })).toBe(401);
    }
    for (const path of ['/v1//symbols', '//v1/symbols', '/V1/symbols', '/%761/symbols', '/v1%2fsymbols']) {
      expect(await status(path), path).toBeGreaterThanOrEqual(400);
    }
    expect(await status('/v1/symbols', { authorization: `Bearer ${KEY}` })).toBe(200);
    expect(await status('/v1/symbols', { 'x-api-key': KEY })).toBe(200);
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
    await api.close();
  });

  it('is not ready while ClickHouse is away, and is again once it is back', async () => {
    const { socket } = JSON.parse(readFileSync(join(data, 'owner.json'), 'utf8')) as { socket: string };
    const connections = new Set<Socket>();
    const forward = (): Server =>
      createServer((from) => {
        connections.add(from);
        const to = connect(socket);
        // Either end may be cut off by the test.
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to).pipe(from);
      });
    let server = forward().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = configOf(data).clickhouse;
    const clickhouse = await openClickHouse({ ...config, url: `http://127.0.0.1:${port}`, directory: data });
    const api = await serve(stores, { clickhouse });
    const readiness = async () => (await fetch(`${api.url}/readyz`)).status;
    expect(await readiness()).toBe(200);
    server.close();
    for (const connection of connections) connection.destroy();
    await expect.poll(readiness, { timeout: 30_000 }).toBe(503);
    const problem = await fetch(`${api.url}/readyz`);
    expect(await problem.json()).toMatchObject({ code: 'TM_API_NOT_READY', detail: 'ClickHouse does not answer' });
    const bars = await fetch(`${api.url}/v1/bars?interval=1m`);
    expect(bars.status).toBe(503);
    expect(await bars.json()).toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    server = forward().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await expect.poll(readiness, { timeout: 30_000 }).toBe(200);
    await api.close();
    await clickhouse.close();
    server.close();
  });

  it('is not ready once the process is stopping or a task has failed', async () => {
    const stopping = new AbortController();
    const api = await serve(stores, { stopping: stopping.signal });
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    stopping.abort();
    expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
    await api.close();
  });

  it('is not ready while a part of the pipeline waits for a server', async () => {
    const waiting = new Map([['topology bars', 'No broker answers.']]);
    const api = await serve(stores, { waiting });
    const problem = await fetch(`${api.url}/readyz`);
    expect(problem.status).toBe(503);
    expect(await problem.json()).toMatchObject({ detail: 'topology bars waits: No broker answers.' });
    waiting.clear();
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    await api.close();
  });

  it('is a role of `run`, beside a process that holds the data, and ends with a signal', async () => {
    const { child, shows, ended } = start(['run', '--roles', 'api', '--port', '0', '--data', data]);
    const [, page, url, example] = (await shows(/Page at (\S+)\nAPI at (\S+), .*\n {2}curl '(.*)'\n/)) ?? [];
    expect((await fetch(`${page}`)).headers.get('content-type')).toContain('text/html');
    expect((await fetch(`${example}`)).headers.get('content-type')).toContain('text/csv');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/v1/symbols`)).json()).toEqual([]);
    child.kill('SIGTERM');
    expect((await ended).status).toBe(0);
  });

  it('has no end, so it is no role of a bounded run', async () => {
    const { status, stderr } = await start(['run', '--roles', 'api', '--until-end', '--data', data]).ended;
    expect(status).toBe(2);
    expect(stderr).toContain('TM_USAGE');
  });
});

/** A request with headers that `fetch` sets itself. */
function ask(url: string, headers: Record<string, string>): Promise<{ statusCode: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ statusCode: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}
