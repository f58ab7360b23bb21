import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { expectProblem } from './expectProblem.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const LONG = 'x'.repeat(300);

const BAD: readonly (readonly [method: string, path: string, status: number, code: string, where: string | null])[] = [
  ['GET', '/v1/bars', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/bars?interval=', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/bars?interval=1x', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/bars?interval=0s', 400, 'TM_DURATION', null],
  ['GET', '/v1/bars?interval=99999999999999999999d', 400, 'TM_DURATION', null],
  ['GET', "/v1/bars?interval=1m'%20OR%201=1", 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/bars?interval=1m&interval=5m', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/bars?interval=1m&from=yesterday', 400, 'TM_API_REQUEST', 'from'],
  ['GET', '/v1/bars?interval=1m&from=', 400, 'TM_API_REQUEST', 'from'],
  ['GET', '/v1/bars?interval=1m&to=2024-02-30', 400, 'TM_API_REQUEST', 'to'],
  ['GET', '/v1/bars?interval=1m&to=9007199254740991', 400, 'TM_API_REQUEST', 'to'],
  ['GET', '/v1/bars?interval=1m&limit=0', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/bars?interval=1m&limit=-1', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/bars?interval=1m&limit=1.5', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/bars?interval=1m&limit=many', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/bars?interval=1m&limit=10001', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/bars?interval=1m&cursor=abc', 400, 'TM_API_REQUEST', 'cursor'],
  ['GET', '/v1/bars?interval=1m&cursor=WzEsMiwzXQ', 400, 'TM_API_REQUEST', 'cursor'],
  ['GET', '/v1/bars?interval=1m&format=xml', 400, 'TM_API_REQUEST', 'format'],
  ['GET', '/v1/bars?interval=1m&symbol=', 400, 'TM_API_REQUEST', 'symbol'],
  ['GET', `/v1/bars?interval=1m&symbol=${LONG}`, 400, 'TM_API_REQUEST', 'symbol'],
  ['GET', '/v1/bars?interval=1m&simbol=a', 400, 'TM_API_REQUEST', 'simbol'],
  ['GET', '/v1/symbols?x=1', 400, 'TM_API_REQUEST', 'x'],
  ['GET', '/v1/latest?interval=5', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/late?limit=0', 400, 'TM_API_REQUEST', 'limit'],
  ['GET', '/v1/late?from=never', 400, 'TM_API_REQUEST', 'from'],
  ['GET', '/v1/late?cursor=abc', 400, 'TM_API_REQUEST', 'cursor'],
  ['GET', '/v1/late?cursor=WyJhIiwxLDJd', 400, 'TM_API_REQUEST', 'cursor'],
  ['GET', '/v1/stream?interval=5', 400, 'TM_API_REQUEST', 'interval'],
  ['GET', '/v1/stream?x=5', 400, 'TM_API_REQUEST', 'x'],
  ['GET', '/%zz', 400, 'TM_API_REQUEST', null],
  ['GET', '/v1/nothing', 404, 'TM_API_NOT_FOUND', null],
  ['GET', '/v1/bars/', 404, 'TM_API_NOT_FOUND', null],
  ['GET', '/../../etc/passwd', 404, 'TM_API_NOT_FOUND', null],
  ['POST', '/v1/bars', 405, 'TM_API_METHOD', null],
  ['DELETE', '/v1/symbols', 405, 'TM_API_METHOD', null],
  ['PUT', '/healthz', 405, 'TM_API_METHOD', null],
  ['QUERY', '/healthz', 405, 'TM_API_METHOD', null],
];

describe('a bad request', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  let api: ServedApi;
  beforeAll(async () => {
    api = await serve(stores);
  });
  afterAll(() => api.close());

  it.each(BAD)('%s %s is a problem: %i %s', async (method, path, status, code, where) => {
    const response = await fetch(api.url + path, { method });
    await expectProblem(response, status, code);
    if (where !== null) expect(await response.json()).toMatchObject({ where });
  });

  it.each(['x', '1', '1:a', '1:1,,2', '-1:0', '1:99999999999999999999'])(
    'id %s of an event is a problem',
    async (id) => {
      const response = await fetch(`${api.url}/v1/stream`, { headers: { 'last-event-id': id } });
      await expectProblem(response, 400, 'TM_API_REQUEST');
    },
  );

  it('that is no HTTP is a problem too', async () => {
    const { port, hostname } = new URL(api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write('nonsense\r\n\r\n'));
      socket.on('data', (part) => {
        text += part.toString();
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"TM_API_REQUEST"/s);
  });

  it('names the methods that a path takes', async () => {
    const response = await fetch(`${api.url}/v1/bars`, { method: 'POST' });
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    const stream = await fetch(`${api.url}/v1/stream`, { method: 'HEAD' });
    expect([stream.status, stream.headers.get('allow')]).toEqual([405, 'GET']);
  });
});
