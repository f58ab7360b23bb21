import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { TidemarkError } from '../../errors.ts';
import { type BodyFormat, readBody } from '../../producers/ingest/body.ts';
import { busy, Ingest } from '../../producers/ingest/ingest.ts';
import type { ApiParts, ApiServer, IngestSettings } from '../parts.ts';
import { writeProblemResponses } from '../problem.ts';

export const INGEST_PATH = '/v1/ingest/:topic';
const DEFAULT_KEY_FIELD = 'instrument';

const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['avro/binary', 'avro'],
  ['application/avro', 'avro'],
]);

const EXAMPLE = { instrument: 'x:AAPL', eventTime: '2024-08-08T13:30:00.250Z', price: '213.31', size: 100 };

const SCHEMA = {
  summary: 'Rows into a topic: each request once, however often it is sent',
  description:
    'The rows of a body are written in one transaction with its `idempotency-key`: a request whose answer was lost is sent ' +
    'again as it was, and is answered as before without being written again. Rows that cannot be used are in the answer, ' +
    'each with the reason, and the others are written. Times are epoch microseconds or ISO 8601. A number counts by its digits as ' +
    'they are written, whether as a JSON number or as a text: a price or size of more than 15 significant digits is refused, ' +
    'never rounded; 10.10, 1.01e1 and "10.1" are the same. A field of type `double` in another schema than `tick`, `quote` ' +
    'and `source_bar` holds the nearest double.',
  security: [{ bearer: [] }, { header: [] }],
  params: Type.Object({ topic: Type.String({ minLength: 1, maxLength: 249, examples: ['ticks'] }) }),
  querystring: Type.Object({}, { additionalProperties: false }),
  headers: Type.Object({
    'idempotency-key': Type.String({
      pattern: '^[!-~]{1,255}$',
      description: 'Names the request: 1 to 255 printable characters. A repeat has the same key and body.',
      examples: ['5f0c8a52-6c0e-4d0e-9d3c-2f1f6c1d7a10'],
    }),
  }),
  body: {
    content: {
      'application/json': {
        schema: Type.Unknown({ description: 'An array of rows, or one row.', examples: [[EXAMPLE]] }),
      },
      'application/x-ndjson': {
        schema: Type.Unknown({ description: 'A row a line.', examples: [JSON.stringify(EXAMPLE)] }),
      },
      'avro/binary': {
        schema: Type.Unknown({
          description:
            'An Avro object container file; codecs null and deflate. Single records, as topics hold them, are not taken: they ' +
            'do not carry their schema, and a request of one row costs as much as one of thousands.',
        }),
      },
    },
  },
  response: {
    200: {
      description: 'What became of the rows.',
      headers: {
        'idempotent-replayed': Type.String({ description: '`true` where the request had been written before.' }),
      },
      content: {
        'application/json': {
          schema: Type.Object(
            {
              topic: Type.String(),
              accepted: Type.Integer({ description: 'Rows that are written.' }),
              rejected: Type.Integer({ description: 'Rows that are not.' }),
              errors: Type.Array(
                Type.Object({
                  row: Type.Integer({ description: 'Number of the row, from 1; of NDJSON its line.' }),
                  reason: Type.String({ description: 'A code, such as `missing`, `number`, `time`, `field`.' }),
                  detail: Type.String({ description: 'In words: which field, which value.' }),
                }),
                { description: 'One for each row that is not written.' },
              ),
            },
            { title: 'Ingested' },
          ),
        },
      },
    },
    ...writeProblemResponses,
  },
};

/** Whether a path is one that rows are sent to. */
export function isIngestPath(path: string): boolean {
  return /^\/v1\/ingest\/[^/]+$/.test(path);
}

export function declareIngest(server: ApiServer, { log, registry, ingest: settings, now }: ApiParts): void {
  const ingest = new Ingest({ ...settings, log, registry, keyFields: keyFieldsOf(settings.topics), now });
  const underWay = new UnderWay(settings.maxRequests);
  server.addHook('onClose', () => ingest.close());
  // In a scope of its own, whose parsers leave a body as it came: other routes take none.
  server.register(async (scope: ApiServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      [...FORMATS.keys()],
      { parseAs: 'buffer' },
      async (_request: unknown, body: Buffer) => body,
    );
    scope.post(
      INGEST_PATH,
      {
        schema: SCHEMA,
        bodyLimit: settings.maxBodyBytes,
        onRequest: async ({ headers }, reply) => {
          // Before the body is read.
          formatOf(headers);
          underWay.enter(reply);
        },
      },
      async ({ params, headers, body }, reply) => {
        const format = formatOf(headers);
        const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
        const topic = await ingest.topic(params.topic);
        const { columns, errors } = readBody(format, bytes, topic.schema, boundsOf(settings));
        const key = headers['idempotency-key'];
        const digest = createHash('sha256').update(`${params.topic}\n${format}\n`).update(bytes).digest('hex');
        const written = await ingest.write({ topic, key, digest, columns, rejected: errors.length });
        if (written.isRepeat) reply.header('idempotent-replayed', 'true');
        const { accepted, rejected } = written;
        return { topic: params.topic, accepted, rejected, errors: [...errors] };
      },
    );
  });
}

function boundsOf({ maxRows, maxBodyBytes }: IngestSettings) {
  return { maxRows, maxBytes: maxBodyBytes };
}

/** `TOPIC` or `TOPIC:KEYFIELD`, with commas. */
function keyFieldsOf(topics: string): ReadonlyMap<string, string> {
  return new Map(
    topics.split(',').map((entry) => {
      const [topic = '', keyField = DEFAULT_KEY_FIELD] = entry.split(':');
      return [topic, keyField];
    }),
  );
}

/** @throws TM_API_TYPE */
function formatOf(headers: Readonly<Record<string, unknown>>): BodyFormat {
  const type = String(headers['content-type'] ?? '');
  const format = FORMATS.get((type.split(';')[0] ?? '').trim().toLowerCase());
  const encoding = headers['content-encoding'] ?? 'identity';
  if (format !== undefined && encoding === 'identity') return format;
  const what = format === undefined ? `content type ${JSON.stringify(type)}` : `content encoding ${String(encoding)}`;
  throw new TidemarkError('TM_API_TYPE', `${what} is not taken`, {
    where: format === undefined ? 'content-type' : 'content-encoding',
    hint: `Send one of ${[...FORMATS.keys()].join(', ')}, not compressed.`,
  });
}

/** Counts the requests that have begun and are not answered: what they hold in memory is bounded with them. */
class UnderWay {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws TM_INGEST_BUSY */
  enter({ raw }: FastifyReply): void {
    if (this.#count >= this.#most) throw busy(this.#most);
    this.#count++;
    raw.once('close', () => {
      this.#count--;
    });
  }
}
