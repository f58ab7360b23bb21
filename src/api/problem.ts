import type { FastifyError } from 'fastify';
import { Type } from 'typebox';
import { ERROR_CODES, type ErrorCode, TidemarkError } from '../errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** An error as RFC 9457 has it. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'What the code means, and what to do.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'One of the codes of docs/errors.md.' }),
    where: Type.Optional(Type.String({ description: 'The parameter at fault.' })),
    hint: Type.Optional(Type.String({ description: 'What to do.' })),
  },
  { title: 'Problem' },
);

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly where?: string;
  readonly hint?: string;
}

/** The statuses that a route may answer with besides its own, for its schema. */
export const problemResponses = responsesOf([
  ['400', 'A parameter is wrong.'],
  ['401', 'The API key is missing or wrong.'],
  ['403', 'The request names another host than this machine.'],
  ['422', 'The request passes a bound of time, memory or rows.'],
  ['500', 'A defect.'],
  ['503', 'The log or ClickHouse does not answer, or too many streams are open.'],
]);

/** The same of routes that take rows. */
export const writeProblemResponses = responsesOf([
  ['400', 'A parameter, a header or the body is malformed.'],
  ['401', 'The key is missing or wrong.'],
  ['403', 'Rows are not taken: no key for it is configured, or the request names another host than this machine.'],
  ['404', 'Rows do not go to a topic of this name, or it has no schema.'],
  ['413', 'The body is larger than the bound.'],
  ['415', 'The body is of no format that is known here.'],
  [
    '422',
    'The key came before with another request; or there are more rows than the bound, or a larger one than the log takes.',
  ],
  ['429', 'As many requests are under way as the bound allows: again after `retry-after`, with the same key.'],
  ['500', 'A defect.'],
  ['503', 'The log does not answer: again after `retry-after`, with the same key.'],
]);

function responsesOf(descriptions: readonly (readonly [status: string, description: string])[]) {
  return Object.fromEntries(
    descriptions.map(([status, description]) => [
      status,
      { description, content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
    ]),
  );
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  TM_API_BOUNDS: 422,
  TM_API_HOST: 403,
  TM_API_KEY: 401,
  TM_API_METHOD: 405,
  TM_API_NOT_FOUND: 404,
  TM_API_NOT_READY: 503,
  TM_API_REQUEST: 400,
  TM_API_STREAMS: 503,
  TM_API_TYPE: 415,
  TM_CLICKHOUSE_UNREACHABLE: 503,
  TM_BROKER_UNREACHABLE: 503,
  TM_DURATION: 400,
  TM_INGEST_BODY: 400,
  TM_INGEST_BUSY: 429,
  TM_INGEST_KEY_REUSED: 422,
  TM_INGEST_OFF: 403,
  TM_LOG_FENCED: 503,
  TM_LOG_RECORD_TOO_LARGE: 422,
  TM_REGISTRY_UNREACHABLE: 503,
  TM_SCHEMA_UNKNOWN: 404,
  TM_TOPIC_OWN: 403,
  TM_TOPIC_UNKNOWN: 404,
};
/** ClickHouse's TIMEOUT_EXCEEDED, TOO_SLOW and MEMORY_LIMIT_EXCEEDED. */
const BOUND_CODES = new Set(['159', '160', '241']);
const EXCEPTION_CODE = /Code: (\d+)/;

/** What a client is told of an error. A defect shows nothing of its inside: the process's own log has it. */
export function problemOf(error: unknown): Problem {
  if (isFastifyError(error)) return requestProblem(error);
  if (!(error instanceof TidemarkError)) return problem('TM_INTERNAL', 500, ERROR_CODES.TM_INTERNAL);
  if (error.code === 'TM_SQL' && isBound(error.cause)) {
    return problem('TM_API_BOUNDS', 422, 'ClickHouse broke the query off at a bound of time or memory', {
      hint: 'Ask for a shorter range, one symbol, or pages.',
    });
  }
  const status = STATUSES[error.code];
  if (status === undefined) return problem(error.code, 500, ERROR_CODES[error.code]);
  // Where ClickHouse or the log lies is no business of a client; what the API itself says is.
  const isOwn = error.code.startsWith('TM_API_') || status < 500;
  if (!isOwn) return problem(error.code, status, ERROR_CODES[error.code]);
  return problem(error.code, status, error.message, { where: error.where, hint: error.hint });
}

const SMALLER =
  'Send fewer rows in a request, each with a key of its own; or raise ingest.maxBodyBytes where the API runs.';
const NAME_IT =
  'Name the request in the header idempotency-key, by 1 to 255 printable characters: the same when it is sent again, another for other rows.';

function requestProblem(error: FastifyError): Problem {
  const status = error.statusCode ?? 500;
  if (status >= 500) return problem('TM_INTERNAL', 500, ERROR_CODES.TM_INTERNAL);
  if (status === 415) return problem('TM_API_TYPE', status, error.message, { where: 'content-type' });
  if (status === 413) return problem('TM_API_BOUNDS', status, error.message, { where: 'body', hint: SMALLER });
  const [first] = error.validation ?? [];
  const name = first?.instancePath.slice(1) || first?.params.missingProperty || first?.params.additionalProperty;
  if (typeof name !== 'string') return problem('TM_API_REQUEST', status, error.message);
  const hint = name === 'idempotency-key' ? NAME_IT : '/docs lists what each path takes.';
  return problem('TM_API_REQUEST', status, `${name}: ${reasonOf(first)}`, { where: name, hint });
}

function reasonOf(fault: NonNullable<FastifyError['validation']>[number] | undefined): string {
  if (fault?.keyword === 'additionalProperties') return 'there is no such parameter';
  if (fault?.keyword === 'required') return 'this parameter is missing';
  return fault?.message ?? 'this value is not allowed';
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

function isBound(cause: unknown): boolean {
  return cause instanceof Error && BOUND_CODES.has(EXCEPTION_CODE.exec(cause.message)?.[1] ?? codeOf(cause));
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

function problem(
  code: ErrorCode,
  status: number,
  detail: string,
  { where, hint }: { readonly where?: string | undefined; readonly hint?: string | undefined } = {},
): Problem {
  return {
    type: `urn:tidemark:error:${code}`,
    title: ERROR_CODES[code],
    status,
    detail,
    code,
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
  };
}
