import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { expectProblem } from './expectProblem.ts';
import { answerOf, INGEST_KEY, type PostOptions, post, ROW } from './ingested.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const MAX_BYTES = 2_000;
const TEXT = JSON.stringify([ROW]);

interface Case {
  readonly body: string | Uint8Array;
  readonly options?: PostOptions;
  readonly status: number;
  readonly code: string;
  /** What is wrong, and what to do. */
  readonly says: readonly [detail: string, hint: string];
}

const CASES: Readonly<Record<string, Case>> = {
  'what curl sends by default': {
    body: TEXT,
    options: { type: 'application/x-www-form-urlencoded' },
    status: 415,
    code: 'TM_API_TYPE',
    says: ['content type "application/x-www-form-urlencoded" is not taken', 'application/x-ndjson'],
  },
  'a body that says that it is compressed': {
    body: gzipSync(TEXT),
    options: { headers: { 'content-encoding': 'gzip' } },
    status: 415,
    code: 'TM_API_TYPE',
    says: ['content encoding gzip is not taken', 'not compressed'],
  },
  'a body that is compressed and does not say so': {
    body: gzipSync(TEXT),
    status: 400,
    code: 'TM_INGEST_BODY',
    says: ['compressed with gzip', 'Send JSON'],
  },
  'an empty body': { body: '', status: 400, code: 'TM_INGEST_BODY', says: ['it is empty', 'Send JSON'] },
  'an empty body of lines': {
    body: '',
    options: { type: 'application/x-ndjson' },
    status: 400,
    code: 'TM_INGEST_BODY',
    says: ['it is empty', 'Send JSON'],
  },
  'JSON that is cut short': {
    body: TEXT.slice(0, -5),
    status: 400,
    code: 'TM_INGEST_BODY',
    says: ['it is not JSON', 'content type that goes with it'],
  },
  'lines sent as JSON': {
    body: `${JSON.stringify(ROW)}\n${JSON.stringify(ROW)}\n`,
    status: 400,
    code: 'TM_INGEST_BODY',
    says: ['it is not JSON', 'NDJSON'],
  },
  'a single Avro record': {
    body: Buffer.from([0, 0, 0, 0, 1, 2]),
    options: { type: 'avro/binary' },
    status: 400,
    code: 'TM_INGEST_BODY',
    says: ['one record as topics hold them', 'container file'],
  },
  'a topic that takes none': {
    body: TEXT,
    options: { topic: 'trades' },
    status: 404,
    code: 'TM_TOPIC_UNKNOWN',
    says: ['rows do not go to a topic trades', 'ticks, quotes, source_bars'],
  },
  'a wrong key': {
    body: TEXT,
    options: { apiKey: 'not-the-one-that-it-is' },
    status: 401,
    code: 'TM_API_KEY',
    says: ['the API key is wrong', 'x-api-key: KEY'],
  },
  'no name of the request': {
    body: TEXT,
    options: { key: '' },
    status: 400,
    code: 'TM_API_REQUEST',
    says: ['idempotency-key: must match pattern', 'Name the request in the header'],
  },
  'a body that is too large': {
    body: TEXT.padEnd(MAX_BYTES + 1),
    status: 413,
    code: 'TM_API_BOUNDS',
    says: ['too large', 'ingest.maxBodyBytes'],
  },
};

describe('a first request to POST /v1/ingest', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  let api: ServedApi;

  beforeAll(async () => {
    api = await serve(stores, { ingest: { key: INGEST_KEY, maxBodyBytes: MAX_BYTES } });
  });
  afterAll(() => api.close());

  it.each(Object.entries(CASES))('is told what to do about %s', async (_, { body, options, status, code, says }) => {
    const response = await post(api, body, options);
    const problem = await response.clone().json();
    await expectProblem(response, status, code);
    expect(problem).toMatchObject({
      detail: expect.stringContaining(says[0]),
      hint: expect.stringContaining(says[1]),
    });
  });

  it('is told of the line that is bad, and the others are written', async () => {
    const lines = [
      JSON.stringify(ROW),
      '{"instrument":"x:A","price":',
      JSON.stringify({ ...ROW, price: 'ten' }),
      TEXT.slice(1, -1),
    ];
    const answer = await answerOf(post(api, lines.join('\n'), { type: 'application/x-ndjson' }));
    expect(answer).toMatchObject({
      accepted: 2,
      rejected: 2,
      errors: [
        { row: 2, reason: 'json', detail: expect.stringContaining('this line is not JSON') },
        { row: 3, reason: 'number', detail: 'price is not a number: "ten"' },
      ],
    });
  });
});
