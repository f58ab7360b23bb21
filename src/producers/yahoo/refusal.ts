import { type ErrorCode, TidemarkError } from '../../errors.ts';
import { isObject, parseJsonObject, quoted } from '../market/refusals.ts';
import type { MarketResponse } from '../market/response.ts';

const STATUS_CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [401, 'TM_SOURCE_ACCESS'],
  [403, 'TM_SOURCE_ACCESS'],
  [404, 'TM_SOURCE_SYMBOL'],
  [429, 'TM_SOURCE_RATE'],
]);

/** By the code in an error's body. */
const ERROR_CODES: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ['Unauthorized', 'TM_SOURCE_ACCESS'],
  ['Not Found', 'TM_SOURCE_SYMBOL'],
  ['Too Many Requests', 'TM_SOURCE_RATE'],
]);

/**
 * The part of an answer under its one key (`chart`, `quoteResponse`). Errors come as JSON under that key or another one, and as
 * plain text.
 * @throws TidemarkError with the code of what Yahoo says; TM_SOURCE_RESPONSE when it is not of the format
 */
export function answerOf({ status, body }: MarketResponse, key: string): Readonly<Record<string, unknown>> | null {
  refuseErrors({ status, body });
  const answer = parseJsonObject(body);
  const error = errorOf(answer);
  if (error !== null) {
    throw new TidemarkError(ERROR_CODES.get(error.code) ?? 'TM_SOURCE_REQUEST', `Yahoo says: ${error.text}`);
  }
  const part = answer[key];
  return isObject(part) ? part : null;
}

/** @throws TidemarkError with the code of a status that is not 200 */
export function refuseErrors({ status, body }: Pick<MarketResponse, 'status' | 'body'>): void {
  if (status !== 200) throw refusal(status, body);
}

function refusal(status: number, body: string): TidemarkError {
  const code = STATUS_CODES.get(status) ?? (status >= 500 ? 'TM_SOURCE_SERVER' : 'TM_SOURCE_REQUEST');
  let said = quoted(body);
  try {
    said = errorOf(parseJsonObject(body))?.text ?? said;
  } catch (error) {
    // Errors may be plain text, which is then what Yahoo says.
    if (!(error instanceof TidemarkError)) throw error;
  }
  return new TidemarkError(code, `Yahoo answered with status ${status}: ${said}`);
}

function errorOf(answer: Readonly<Record<string, unknown>>): { readonly code: unknown; readonly text: string } | null {
  for (const part of Object.values(answer)) {
    if (!isObject(part) || !isObject(part.error)) continue;
    const { code, description } = part.error;
    const words = [code, description].filter((word) => typeof word === 'string');
    return { code, text: quoted(words.join(': ')) };
  }
  return null;
}
