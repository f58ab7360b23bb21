import { TidemarkError } from '../../errors.ts';
import type { MarketClient, MarketRequest, Received } from '../market/client.ts';
import { refuseErrors } from './refusal.ts';
import { YAHOO_HEADERS } from './request.ts';

/** As crumbs have been: a few letters, digits and signs. An answer that says anything else is an error, with status 200 or not. */
const CRUMB = /^[\w./\\=+-]{5,40}$/;

/** What a browser would have: a cookie of Yahoo, and the crumb that goes with it. Both are secrets. */
interface Login {
  readonly cookie: string;
  readonly crumb: string;
}

/**
 * Asks Yahoo, and where it insists on a login, with a cookie and its crumb, as a browser does that is nobody's: the cookie comes from a page that sets it
 * whatever else it answers, the crumb from `/v1/test/getcrumb`. Yahoo documents neither; this is how yfinance does it
 * (https://github.com/ranaroussi/yfinance, `data.py`).
 */
export class YahooClient implements Pick<MarketClient, 'ask'> {
  readonly #client: Pick<MarketClient, 'ask'>;
  readonly #cookieUrl: URL;
  readonly #crumbUrl: URL;
  #login: Login | null = null;

  constructor(
    client: Pick<MarketClient, 'ask'>,
    { url, cookieUrl }: { readonly url: string; readonly cookieUrl: string },
  ) {
    this.#client = client;
    this.#cookieUrl = new URL(cookieUrl);
    this.#crumbUrl = new URL('/v1/test/getcrumb', url);
  }

  /** @throws TM_SOURCE_ACCESS where Yahoo does not take a fresh login either, besides what `MarketClient.ask` throws */
  async ask<T>(request: MarketRequest, parse: (response: Received) => T, signal: AbortSignal): Promise<T> {
    try {
      return await this.#client.ask(withLogin(request, this.#login), parse, signal);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TM_SOURCE_ACCESS') throw error;
      // There was none, or it has run out.
      this.#login = null;
      this.#login = await this.#logIn(signal);
      return this.#client.ask(withLogin(request, this.#login), parse, signal);
    }
  }

  async #logIn(signal: AbortSignal): Promise<Login> {
    const plain = { headers: YAHOO_HEADERS, secrets: {} };
    const cookie = await this.#client.ask({ ...plain, url: this.#cookieUrl }, cookieOf, signal);
    const request = { ...plain, url: this.#crumbUrl, secretHeaders: { cookie } };
    return { cookie, crumb: await this.#client.ask(request, crumbOf, signal) };
  }
}

function withLogin(request: MarketRequest, login: Login | null): MarketRequest {
  if (login === null) return request;
  return { ...request, secrets: { crumb: login.crumb }, secretHeaders: { cookie: login.cookie } };
}

/** The page itself may well not be there: status 404 with a cookie is how it answers. */
function cookieOf({ status, cookies }: Received): string {
  const pairs = cookies.map((cookie) => cookie.split(';', 1)[0] ?? '').filter((pair) => pair.includes('='));
  if (pairs.length > 0) return pairs.join('; ');
  throw new TidemarkError('TM_SOURCE_ACCESS', `Yahoo gives no cookie to log in with (status ${status})`, {
    hint: 'it may want consent from where you are: bars are had without a login, quotes are not',
  });
}

function crumbOf(response: Received): string {
  refuseErrors(response);
  const crumb = response.body.trim();
  if (CRUMB.test(crumb)) return crumb;
  // It is not quoted: it might be one of another form.
  throw new TidemarkError('TM_SOURCE_RESPONSE', `the answer is no crumb: ${crumb.length} characters of something else`);
}
