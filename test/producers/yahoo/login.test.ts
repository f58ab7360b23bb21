import { describe, expect, it } from 'vitest';
import { MarketClient } from '../../../src/producers/market/client.ts';
import { RequestBudget } from '../../../src/producers/market/requestBudget.ts';
import { YahooClient } from '../../../src/producers/yahoo/login.ts';
import { answerOf } from '../../../src/producers/yahoo/refusal.ts';
import { FakeClock, memoryStore } from '../market/fakeClock.ts';

const BOUNDS = { timeoutMs: 1_000, maxBytes: 1_000, retries: 0, backoffMs: 1, maxBackoffMs: 1 };
const REQUEST = { url: new URL('http://yahoo.test/quote'), headers: {}, secrets: {} };
const signal = new AbortController().signal;

/** A Yahoo whose logins last for so many requests each; the first crumb is crumb-1. */
function yahoo(lasts: number, crumbOf = (login: number) => `crumb-${login}`) {
  const asked: string[] = [];
  let login = 0;
  let left = 0;
  const clock = new FakeClock(0);
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { pathname, searchParams } = new URL(String(input));
    const cookie = new Headers(init?.headers).get('cookie');
    asked.push(`${pathname} ${cookie} ${searchParams.get('crumb')}`);
    if (pathname === '/cookie') {
      login++;
      left = lasts;
      return new Response('', { status: 404, headers: { 'set-cookie': `A3=${login}; Secure` } });
    }
    if (pathname === '/v1/test/getcrumb') return new Response(crumbOf(login));
    const isIn = cookie === `A3=${login}` && searchParams.get('crumb') === crumbOf(login) && left-- > 0;
    return isIn ? new Response('{"quoteResponse":{}}') : new Response('{}', { status: 401 });
  };
  const budget = new RequestBudget({ ...clock, store: memoryStore(), name: 'y', limits: [], maxWaitMs: 0 });
  const client = new MarketClient({
    ...{ fetch, random: () => 0, bounds: BOUNDS, budget },
    now: clock.now,
    wait: clock.wait,
  });
  const loggedIn = new YahooClient(client, { url: 'http://yahoo.test', cookieUrl: 'http://yahoo.test/cookie' });
  return { asked, ask: () => loggedIn.ask(REQUEST, (response) => answerOf(response, 'quoteResponse'), signal) };
}

const LOGIN = (login: number) => [`/cookie null null`, `/v1/test/getcrumb A3=${login} null`];

describe('a login at Yahoo', () => {
  it('is had when Yahoo insists on one, kept, and had anew when it has run out', async () => {
    const { asked, ask } = yahoo(2);
    for (let request = 0; request < 3; request++) expect(await ask()).toEqual({});
    expect(asked).toEqual([
      ...['/quote null null', ...LOGIN(1), '/quote A3=1 crumb-1', '/quote A3=1 crumb-1'],
      ...['/quote A3=1 crumb-1', ...LOGIN(2), '/quote A3=2 crumb-2'],
    ]);
  });

  it('that is not taken when it is fresh is not tried for ever', async () => {
    const { asked, ask } = yahoo(0);
    await expect(ask()).rejects.toMatchObject({ code: 'TM_SOURCE_ACCESS' });
    expect(asked).toHaveLength(4);
  });

  it.each(['', '<html>SECRET', 'Too Many Requests', '{"error":"SECRET"}'])(
    'is none with the crumb %j, which is not told',
    async (crumb) => {
      const asked = yahoo(1, () => crumb).ask();
      await expect(asked).rejects.toMatchObject({
        code: 'TM_SOURCE_RESPONSE',
        message: expect.not.stringContaining('SECRET'),
      });
    },
  );
});
