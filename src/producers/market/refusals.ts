import { type ErrorCode, TidemarkError } from '../../errors.ts';

/** Errors of a market API that the same request may not meet again. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TM_SOURCE_EMPTY',
  'TM_SOURCE_QUOTA',
  'TM_SOURCE_RATE',
  'TM_SOURCE_REFUSED',
  'TM_SOURCE_RESPONSE',
  'TM_SOURCE_SERVER',
  'TM_SOURCE_UNREACHABLE',
]);

/** Whether a later try can do better: a rate limit passes, a wrong key does not. */
export function mayPass(error: TidemarkError): boolean {
  return MAY_PASS.has(error.code);
}

const QUOTED_CHARACTERS = 300;

/** The beginning of what a vendor wrote, on one line. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > QUOTED_CHARACTERS ? `${line.slice(0, QUOTED_CHARACTERS)}…` : line;
}

/** What an answer is that is not of its format. */
export function notOfFormat(what: string, body: string): TidemarkError {
  return new TidemarkError('TM_SOURCE_RESPONSE', `${what}: ${quoted(body) || 'it is empty'}`, {
    hint: 'nothing of this answer was used; run the command again',
  });
}

/** Parses a body that is to be a JSON object. @throws TM_SOURCE_RESPONSE */
export function parseJsonObject(body: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // The parser's own message quotes the body, of which notOfFormat says enough.
    throw notOfFormat('the answer is not JSON, or was cut short', body);
  }
  if (!isObject(value)) throw notOfFormat('the answer is not a JSON object', body);
  return value;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
