import { TidemarkError } from '../../errors.ts';
import { redactor } from './redact.ts';
import { mayPass } from './refusals.ts';
import type { RequestBudget } from './requestBudget.ts';
import type { MarketResponse } from './response.ts';

/** A request as it may be shown and kept: without secrets. */
export interface MarketRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Put into the query when it is sent, and taken out of all that comes back. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Sent besides the headers, and taken out of all that comes back as well. */
  readonly secretHeaders?: Readonly<Record<string, string>>;
}

/** How long, how much and how often; from the configuration. */
export interface RequestBounds {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** After the first try. */
  readonly retries: number;
  /** The first retry waits up to this long, each further one up to twice as long as the one before. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export interface MarketClientOptions {
  readonly fetch: typeof fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly bounds: RequestBounds;
  readonly budget: RequestBudget;
}

const SECOND_MS = 1_000;

/** What a request came back with. */
export interface Received extends MarketResponse {
  /** As they came: `name=value; attributes`. */
  readonly cookies: readonly string[];
  /** How long the vendor wants the next request to wait. */
  readonly retryAfterMs: number;
}

/** Asks a vendor: within the plan's budget, and again after what may pass. */
export class MarketClient {
  readonly #options: MarketClientOptions;

  constructor(options: MarketClientOptions) {
    this.#options = options;
  }

  /**
   * What `parse` makes of the answer. An answer that it refuses with an error that may pass is asked for again, after a random
   * part of a time that doubles (full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter), or when the vendor says.
   * @throws TidemarkError (TM_SOURCE_…) without secrets; TM_INTERRUPTED when the signal is aborted
   */
  async ask<T>(request: MarketRequest, parse: (response: Received) => T, signal: AbortSignal): Promise<T> {
    const { bounds, budget, random, wait } = this.#options;
    for (let attempt = 0; ; attempt++) {
      let retryAfterMs = 0;
      let firstMs = bounds.backoffMs;
      await budget.take(signal);
      if (signal.aborted) throw interrupted();
      try {
        const received = await this.#receive(request, signal);
        retryAfterMs = received.retryAfterMs;
        return parse(received);
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        if (signal.aborted) throw interrupted();
        if (attempt >= bounds.retries || !canRetry(error)) throw at(request, error);
        // Limits go by the minute as well as by the second: seconds do not help there.
        if (error.code === 'TM_SOURCE_RATE') firstMs = Math.max(firstMs, bounds.maxBackoffMs / 4);
      }
      const longest = Math.min(bounds.maxBackoffMs, firstMs * 2 ** attempt);
      await wait(Math.max(retryAfterMs, random() * longest), signal);
      if (signal.aborted) throw interrupted();
    }
  }

  async #receive({ url, headers, secrets, secretHeaders = {} }: MarketRequest, signal: AbortSignal): Promise<Received> {
    const { fetch, now, bounds } = this.#options;
    const redact = redactor([...Object.values(secrets), ...Object.values(secretHeaders)]);
    const sent = new URL(url);
    for (const [name, secret] of Object.entries(secrets)) sent.searchParams.set(name, secret);
    const ended = new AbortController();
    // AbortSignal.timeout within AbortSignal.any may be collected before it fires (Node 20): a timer is not.
    const timer = setTimeout(() => ended.abort(new Error(`none within ${bounds.timeoutMs} ms`)), bounds.timeoutMs);
    const stop = AbortSignal.any([signal, ended.signal]);
    try {
      // A redirect would take the secrets elsewhere: it is an answer like others, and refused for its status.
      const response = await fetch(sent, {
        headers: { ...headers, ...secretHeaders },
        signal: stop,
        redirect: 'manual',
      });
      const body = await boundedText(response, bounds.maxBytes);
      const retryAfterMs = Math.min(retryAfter(response.headers, now()), bounds.maxBackoffMs);
      const { status } = response;
      const cookies = response.headers.getSetCookie();
      return { status, body: redact(body), cookies, receivedMicros: now() * SECOND_MS, retryAfterMs };
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      // The error itself may quote the whole URL, and goes no further.
      throw new TidemarkError('TM_SOURCE_UNREACHABLE', `there is no answer: ${redact(reasonOf(error))}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The day's requests are not there again before the next day. */
function canRetry(error: TidemarkError): boolean {
  return mayPass(error) && error.code !== 'TM_SOURCE_QUOTA';
}

function at({ url }: MarketRequest, error: TidemarkError): TidemarkError {
  const advice = mayPass(error) ? 'it may pass: run the command again later' : 'the same request would fail again';
  return new TidemarkError(error.code, error.message, { where: url.href, hint: error.hint ?? advice });
}

function interrupted(): TidemarkError {
  return new TidemarkError('TM_INTERRUPTED', 'stopped while waiting for an answer');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

/** The body as text. @throws TM_SOURCE_TOO_LARGE once it passes the bound */
async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > maxBytes) {
      throw new TidemarkError('TM_SOURCE_TOO_LARGE', `the answer has more than ${maxBytes} bytes`, {
        hint: 'ask for a shorter range, or raise requests.maxBytes',
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** How long `Retry-After` says to wait: seconds, or a date (RFC 9110, 10.2.3); 0 where it says nothing. */
function retryAfter(headers: Headers, nowMs: number): number {
  const text = headers.get('retry-after') ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * SECOND_MS : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
