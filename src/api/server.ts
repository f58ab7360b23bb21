import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { TidemarkError } from '../errors.ts';
import { checkHost, checkIngestKey, checkKey } from './access.ts';
import { openApi } from './openApi.ts';
import { declarePage } from './page.ts';
import type { ApiParts, ApiServer } from './parts.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { declareBars } from './routes/bars.ts';
import { declareHealthz } from './routes/healthz.ts';
import { declareIngest, INGEST_PATH, isIngestPath } from './routes/ingest.ts';
import { declareLate } from './routes/late.ts';
import { declareLatest } from './routes/latest.ts';
import { declareMetrics } from './routes/metrics.ts';
import { declarePipeline } from './routes/pipeline.ts';
import { declareReadyz } from './routes/readyz.ts';
import { declareStream } from './routes/stream.ts';
import { declareSymbols } from './routes/symbols.ts';

/** Requests only ask and have no body, but for those with rows. */
const MAX_BODY_BYTES = 1_024;
/** Of a part of a path: as long as a request's head may be, so that it is the route's schema that says what is too long. */
const MAX_PARAMETER_LENGTH = 16_384;
const REQUEST_TIMEOUT_MS = 30_000;
const METHODS = ['GET', 'HEAD', 'POST'] as const;
/** For how long a client waits that is to come again. */
const RETRY_AFTER_SECONDS = 1;
const COME_AGAIN: ReadonlySet<number> = new Set([429, 503]);
/** What needs the API key, where one is configured: data. Whether the process is well, and the documentation, are open. */
const PROTECTED = /^\/(v1|metrics)(\/|$)/;

/** The API with all its routes, not listening yet. */
export async function createServer(parts: ApiParts): Promise<ApiServer> {
  const fail = (error: unknown, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error);
    parts.metrics.failed(problem.code);
    if (COME_AGAIN.has(problem.status)) reply.header('retry-after', RETRY_AFTER_SECONDS);
    return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
  };
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    forceCloseConnections: true,
    // Text becomes a number where a number is asked for; an unknown parameter is an error, not left out in silence.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    frameworkErrors: (error, _request, reply) => void fail(error, reply),
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
      const problem = problemOf(new TidemarkError('TM_API_REQUEST', 'this is not an HTTP request'));
      const body = JSON.stringify(problem);
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
          `connection: close\r\n\r\n${body}`,
      );
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.setErrorHandler((error, _request, reply) => fail(error, reply));
  server.addHook('onRequest', async (request, reply) => {
    checkHost(request, parts.config);
    // Here, before what a request of another method carries is looked at.
    if (request.is404) throw notFound(server, request, reply);
    // The route's own path: a request can write the same path in several ways.
    const { url = '' } = request.routeOptions;
    if (url === INGEST_PATH) checkIngestKey(request, parts.ingest.key);
    else if (PROTECTED.test(url)) checkKey(request, parts.config.key);
  });
  await server.register(swagger, openApi(parts.config));
  await server.register(swaggerUi, { routePrefix: '/docs' });
  declareRoutes(server, parts);
  return server;
}

function declareRoutes(server: ApiServer, parts: ApiParts): void {
  declareSymbols(server, parts);
  declareBars(server, parts);
  declareLatest(server, parts);
  declareLate(server, parts);
  declareStream(server, parts);
  declarePipeline(server, parts);
  declareIngest(server, parts);
  declarePage(server);
  declareHealthz(server);
  declareReadyz(server, parts);
  declareMetrics(server, parts);
}

function notFound(server: ApiServer, request: FastifyRequest, reply: FastifyReply): TidemarkError {
  const [path = '/'] = request.url.split('?');
  const url = isIngestPath(path) ? INGEST_PATH : path;
  const allowed = METHODS.filter((method) => server.hasRoute({ url, method })).join(', ');
  if (allowed === '') {
    return new TidemarkError('TM_API_NOT_FOUND', `there is no ${path}`, { hint: '/docs lists all paths.' });
  }
  reply.header('allow', allowed);
  return new TidemarkError('TM_API_METHOD', `${path} does not take ${request.method}`, { hint: `Use ${allowed}.` });
}
