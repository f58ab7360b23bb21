import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { MarketClient, type MarketClientOptions } from '../../../src/producers/market/client.ts';
import { notOfFormat } from '../../../src/producers/market/refusals.ts';
import { RequestBudget } from '../../../src/producers/market/requestBudget.ts';
import type { MarketResponse } from '../../../src/producers/market/response.ts';
import { FakeClock, memoryStore } from './fakeClock.ts';

const KEY = 'SECRETKEY0123456';
const REQUEST = {
  url: new URL('http://vendor.test/query?symbol=A'),
  headers: { 'x-a': '1' },
  secrets: { apikey: KEY },
};
const BOUNDS = { timeoutMs: 1_000, maxBytes: 1_000, retries: 4, backoffMs: 1_000, maxBackoffMs: 5_000 };

function setUp(replies: readonly (() => Response | Promise<Response>)[], options: Partial<MarketClientOptions> = {}) {
  const clock = new FakeClock(1_000_000);
  const sent: string[] = [];
  const at: number[] = [];
  const client = new MarketClient({
    fetch: async (input) => {
      sent.push(String(input));
      at.push(clock.now() - 1_000_000);
      const reply = replies[Math.min(sent.length, replies.length) - 1];
      if (reply === undefined) throw new Error('no reply');
      return reply();
    },
    now: clock.now,
    wait: clock.wait,
    random: () => 0.5,
    bounds: BOUNDS,
    budget: new RequestBudget({ ...clock, store: memoryStore(), name: 'x', limits: [], maxWaitMs: 0 }),
    ...options,
  });
  return { clock, client, sent, at };
}

/** Takes an answer that says `ok`; others may pass. */
function parse({ body }: MarketResponse): string {
  if (body !== 'ok') throw notOfFormat('it is not ok', body);
  return body;
}

const answer =
  (body: string, init: ResponseInit = {}) =>
  () =>
    new Response(body, init);
const signal = new AbortController().signal;

async function errorOf(asked: Promise<unknown>): Promise<TidemarkError> {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof TidemarkError) return error;
  throw error;
}

describe('a market client', () => {
  it('sends the secret, and hands on what came, when, and without the secret', async () => {
    const { client, sent } = setUp([answer(`a ${KEY} b`)]);
    expect(await client.ask(REQUEST, (response) => response, signal)).toMatchObject({
      ...{ status: 200, body: 'a REDACTED b', receivedMicros: 1_000_000_000 },
    });
    expect(sent).toEqual([`http://vendor.test/query?symbol=A&apikey=${KEY}`]);
  });

  it('asks again after what may pass, waiting a random part of a time that doubles up to a bound', async () => {
    const { client, at } = setUp([answer('no'), answer('no'), answer('no'), answer('no'), answer('ok')]);
    expect(await client.ask(REQUEST, parse, signal)).toBe('ok');
    expect(at).toEqual([0, 500, 1_500, 3_500, 6_000]);
  });

  it('waits longer after a rate limit, which may be one of the minute', async () => {
    const { client, at } = setUp([answer('no'), answer('no'), answer('ok')]);
    const refuse = (received: MarketResponse) => {
      if (received.body !== 'ok') throw new TidemarkError('TM_SOURCE_RATE', 'too often');
    };
    await client.ask(REQUEST, refuse, signal);
    expect(at).toEqual([0, 625, 1_875]);
  });

  it('waits as long as the vendor says, in seconds or until a date, up to the bound', async () => {
    const until = new Date(1_000_000 + 6_000).toUTCString();
    const { client, at } = setUp([
      answer('no', { headers: { 'retry-after': '3' } }),
      answer('no', { headers: { 'retry-after': until } }),
      answer('no', { headers: { 'retry-after': '3600' } }),
      answer('ok'),
    ]);
    await client.ask(REQUEST, parse, signal);
    expect(at).toEqual([0, 3_000, 6_000, 11_000]);
  });

  it('gives up after as many retries as the bound says, with the last error and where it was', async () => {
    const { client, sent } = setUp([answer('no')]);
    expect(await errorOf(client.ask(REQUEST, parse, signal))).toMatchObject({
      ...{ code: 'TM_SOURCE_RESPONSE', where: 'http://vendor.test/query?symbol=A', hint: expect.any(String) },
    });
    expect(sent).toHaveLength(5);
  });

  it.each([
    'TM_SOURCE_ACCESS',
    'TM_SOURCE_REQUEST',
    'TM_SOURCE_PREMIUM',
    'TM_SOURCE_SYMBOL',
    'TM_SOURCE_QUOTA',
  ] as const)('does not ask again after %s', async (code) => {
    const { client, sent } = setUp([answer('no')]);
    const refuse = () => {
      throw new TidemarkError(code, 'no');
    };
    expect((await errorOf(client.ask(REQUEST, refuse, signal))).code).toBe(code);
    expect(sent).toHaveLength(1);
  });

  it('gives up an answer that is larger than the bound, wherever it ends', async () => {
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(400)),
        }),
      );
    const { client, sent } = setUp([endless]);
    expect((await errorOf(client.ask(REQUEST, parse, signal))).code).toBe('TM_SOURCE_TOO_LARGE');
    expect(sent).toHaveLength(1);
  });

  it('says what is wrong with the connection, without the secret that the error quotes', async () => {
    const { client } = setUp([
      () => {
        throw new TypeError('fetch failed', { cause: new Error(`no route to http://vendor.test/?apikey=${KEY}`) });
      },
    ]);
    const error = await errorOf(client.ask(REQUEST, parse, signal));
    expect(error.code).toBe('TM_SOURCE_UNREACHABLE');
    expect(error.message).toContain('fetch failed: no route to http://vendor.test/?apikey=REDACTED');
    expect(error.cause).toBeUndefined();
  });

  it('gives up an answer that does not come in time', async () => {
    const { client } = setUp([], {
      bounds: { ...BOUNDS, timeoutMs: 5, retries: 1 },
      fetch: (_, init) =>
        new Promise((_, fail) => init?.signal?.addEventListener('abort', () => fail(init.signal?.reason))),
    });
    expect((await errorOf(client.ask(REQUEST, parse, signal))).code).toBe('TM_SOURCE_UNREACHABLE');
  });

  it('gives up in time where the garbage collector runs in between', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('there is no gc');
    const { client } = setUp([], {
      bounds: { ...BOUNDS, timeoutMs: 50, retries: 0 },
      fetch: (_, init) =>
        new Promise((_, fail) => {
          init?.signal?.addEventListener('abort', () => fail(init.signal?.reason));
          setImmediate(() => collect());
        }),
    });
    expect((await errorOf(client.ask(REQUEST, parse, signal))).code).toBe('TM_SOURCE_UNREACHABLE');
  });

  it('follows no redirect, which would take the secret elsewhere', async () => {
    let redirect: RequestInit['redirect'];
    const { client } = setUp([], {
      fetch: async (_, init) => {
        redirect = init?.redirect;
        return new Response('ok');
      },
    });
    await client.ask(REQUEST, parse, signal);
    expect(redirect).toBe('manual');
  });

  it('stops when it is told to, while it waits for an answer, a retry or the budget', async () => {
    const stop = new AbortController();
    const { client } = setUp([answer('no')], {
      wait: async () => stop.abort(),
    });
    expect((await errorOf(client.ask(REQUEST, parse, stop.signal))).code).toBe('TM_INTERRUPTED');
    expect((await errorOf(client.ask(REQUEST, parse, stop.signal))).code).toBe('TM_INTERRUPTED');
  });
});
