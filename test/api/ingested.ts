import type { ServedApi } from '../../src/api/serve.ts';

export const INGEST_KEY = 'a-key-to-write-with';
export const ROW = { instrument: 'x:A', eventTime: 1_723_161_600_000_000, price: 12.5, size: 2 };

export interface Answer {
  readonly topic: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly { readonly row: number; readonly reason: string; readonly detail: string }[];
}

export interface PostOptions {
  readonly topic?: string;
  readonly key?: string;
  readonly type?: string;
  readonly apiKey?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

let keys = 0;

/** Sends rows; a body that is no text is sent as JSON. */
export function post(api: Pick<ServedApi, 'url'>, body: unknown, options: PostOptions = {}): Promise<Response> {
  const { topic = 'ticks', key = `test-${keys++}`, type = 'application/json', apiKey = INGEST_KEY } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return fetch(`${api.url}/v1/ingest/${topic}`, {
    method: 'POST',
    headers: {
      'content-type': type,
      'idempotency-key': key,
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      ...options.headers,
    },
    body: isRaw ? Buffer.from(body) : JSON.stringify(body),
  });
}

/** The answer of a request that is to succeed. */
export async function answerOf(response: Promise<Response>): Promise<Answer> {
  const answer = await response;
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status}: ${text}`);
  return JSON.parse(text) as Answer;
}
