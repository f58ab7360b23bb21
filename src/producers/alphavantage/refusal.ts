import { type ErrorCode, TidemarkError } from '../../errors.ts';
import { notOfFormat, quoted } from '../market/refusals.ts';
import type { MarketResponse } from '../market/response.ts';

/** The keys under which the API puts what it has to say instead of data, with HTTP status 200. */
const MESSAGE_KEYS = ['Error Message', 'Information', 'Note'] as const;

/**
 * What its messages mean: the first that matches. The message about one request a second names the day's limit and the
 * premium endpoints as well, the one about calls a minute the day's: the shorter times are looked for first.
 */
const MEANINGS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/per second|burst pattern/i, 'TM_SOURCE_RATE'],
  [/per minute/i, 'TM_SOURCE_RATE'],
  [/per day|daily (rate )?limit/i, 'TM_SOURCE_QUOTA'],
  [/premium endpoint/i, 'TM_SOURCE_PREMIUM'],
  [/api ?key.*(invalid|missing|demo purposes)/i, 'TM_SOURCE_ACCESS'],
  [/invalid api call/i, 'TM_SOURCE_REQUEST'],
];

/** @throws TidemarkError when the HTTP status says that there are no data */
export function checkStatus({ status, body }: MarketResponse): void {
  if (status === 200) return;
  const code: ErrorCode =
    status === 429
      ? 'TM_SOURCE_RATE'
      : status === 401 || status === 403
        ? 'TM_SOURCE_ACCESS'
        : status >= 500
          ? 'TM_SOURCE_SERVER'
          : 'TM_SOURCE_REQUEST';
  throw new TidemarkError(code, `Alpha Vantage answered with status ${status}: ${quoted(body)}`);
}

/**
 * Refuses an answer that has a message in place of data: the API gives them with status 200, to CSV requests as well.
 * @throws TidemarkError with the code of what the message means
 */
export function refuseMessage(answer: Readonly<Record<string, unknown>>): void {
  if (Object.keys(answer).length === 0) {
    throw new TidemarkError('TM_SOURCE_EMPTY', 'Alpha Vantage answered with an empty object');
  }
  for (const key of MESSAGE_KEYS) {
    const message = answer[key];
    if (message !== undefined) throw refusal(key, typeof message === 'string' ? message : JSON.stringify(message));
  }
  // Premium endpoints answer other plans with made-up rows, and say so here.
  const { message } = answer;
  if (typeof message !== 'string') return;
  if (/premium endpoint|artificial/i.test(message)) throw refusal('message', message);
  throw notOfFormat('Alpha Vantage sent a message that is not known', message);
}

function refusal(key: string, message: string): TidemarkError {
  const meaning = MEANINGS.find(([pattern]) => pattern.test(message));
  const code = meaning?.[1] ?? (key === 'Error Message' ? 'TM_SOURCE_REQUEST' : 'TM_SOURCE_REFUSED');
  return new TidemarkError(code, `Alpha Vantage says: ${quoted(message)}`);
}
