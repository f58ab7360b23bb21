import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { TidemarkError } from '../../errors.ts';
import { type CompatibilityLevel, DEFAULT_LEVEL, isCompatibilityLevel } from './compatibility.ts';
import type { EmbeddedRegistry, SubjectVersion } from './embeddedRegistry.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** What clients send; all of it is JSON. */
const REQUEST_TYPES = [CONTENT_TYPE, 'application/vnd.schemaregistry+json', 'application/octet-stream'];
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_PARAMETER_LENGTH = 1000;

/** Error codes of the Confluent contract; the first three digits are the HTTP status. */
const SUBJECT_NOT_FOUND = 40401;
const VERSION_NOT_FOUND = 40402;
const SCHEMA_NOT_FOUND = 40403;
const SUBJECT_HAS_NO_LEVEL = 40408;
const INVALID_SCHEMA = 42201;
const INVALID_VERSION = 42202;
const INVALID_LEVEL = 42203;
const INCOMPATIBLE = 409;

const MAX_VERSION = 2 ** 31 - 1;

export interface RegistryServer {
  /** Where it listens, as `http://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An answer that is an error of the contract. */
class RegistryError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Serves a registry over HTTP by the Confluent contract, for Avro
 * (https://docs.confluent.io/platform/current/schema-registry/develop/api.html), on this machine only: it has no
 * authentication. Port 0 takes a free one. The caller closes the registry after the server.
 */
export async function serveRegistry(registry: EmbeddedRegistry, port: number): Promise<RegistryServer> {
  const server = Fastify({ bodyLimit: MAX_BODY_BYTES, routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH } });
  server.addContentTypeParser(REQUEST_TYPES, { parseAs: 'string' }, server.getDefaultJsonParser('error', 'error'));
  server.addHook('onSend', async (_request, reply) => {
    reply.type(CONTENT_TYPE);
  });
  server.setErrorHandler<FastifyError | RegistryError | TidemarkError>((error, _request, reply) =>
    sendError(error, reply),
  );
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error_code: 404, message: 'HTTP 404 Not Found' }),
  );
  addSchemas(server, registry);
  addSubjects(server, registry);
  addCompatibility(server, registry);
  const url = await server.listen({ host: '127.0.0.1', port });
  return { url, close: () => server.close() };
}

interface SchemaBody {
  schema: string;
  schemaType?: string;
}

interface SubjectParams {
  subject: string;
}

interface VersionParams extends SubjectParams {
  version: string;
}

const SCHEMA_BODY = {
  schema: {
    body: {
      type: 'object',
      required: ['schema'],
      properties: { schema: { type: 'string' }, schemaType: { type: 'string' } },
    },
  },
};

function addSchemas(server: FastifyInstance, registry: EmbeddedRegistry): void {
  server.get<{ Params: { id: string } }>('/schemas/ids/:id', async ({ params }) => ({
    schema: await registry.schemaById(Number(params.id)),
  }));
}

function addSubjects(server: FastifyInstance, registry: EmbeddedRegistry): void {
  server.get('/subjects', async () => registry.subjects());

  server.post<{ Params: SubjectParams; Body: SchemaBody }>(
    '/subjects/:subject',
    SCHEMA_BODY,
    async ({ params, body }) => {
      knownVersions(registry, params.subject);
      const found = registry.lookup(params.subject, avroText(body));
      if (found === null) throw new RegistryError(SCHEMA_NOT_FOUND, 'Schema not found');
      return found;
    },
  );

  server.delete<{ Params: SubjectParams }>('/subjects/:subject', async ({ params }) => {
    knownVersions(registry, params.subject);
    return registry.deleteSubject(params.subject);
  });

  server.get<{ Params: SubjectParams }>('/subjects/:subject/versions', async ({ params }) =>
    knownVersions(registry, params.subject).map(({ version }) => version),
  );

  server.post<{ Params: SubjectParams; Body: SchemaBody }>(
    '/subjects/:subject/versions',
    SCHEMA_BODY,
    async ({ params, body }) => ({ id: await registry.register(params.subject, avroText(body)) }),
  );

  server.get<{ Params: VersionParams }>('/subjects/:subject/versions/:version', async ({ params }) =>
    knownVersion(registry, params),
  );
}

function addCompatibility(server: FastifyInstance, registry: EmbeddedRegistry): void {
  server.post<{ Params: VersionParams; Body: SchemaBody }>(
    '/compatibility/subjects/:subject/versions/:version',
    SCHEMA_BODY,
    async ({ params, body }) => {
      const against = knownVersion(registry, params);
      const messages = registry.incompatibilities(params.subject, avroText(body), [against]);
      return { is_compatible: messages.length === 0, messages };
    },
  );

  server.get('/config', async () => ({ compatibilityLevel: registry.compatibility(null) ?? DEFAULT_LEVEL }));

  server.put<{ Body: unknown }>('/config', async ({ body }) => {
    const level = levelOf(body);
    registry.setCompatibility(null, level);
    return { compatibility: level };
  });

  server.get<{ Params: SubjectParams; Querystring: { defaultToGlobal?: string } }>(
    '/config/:subject',
    async ({ params, query }) => {
      const fallback = query.defaultToGlobal === 'true' ? (registry.compatibility(null) ?? DEFAULT_LEVEL) : null;
      const level = registry.compatibility(params.subject) ?? fallback;
      if (level !== null) return { compatibilityLevel: level };
      throw new RegistryError(SUBJECT_HAS_NO_LEVEL, `Subject '${params.subject}' does not have a compatibility level`);
    },
  );

  server.put<{ Params: SubjectParams; Body: unknown }>('/config/:subject', async ({ params, body }) => {
    const level = levelOf(body);
    registry.setCompatibility(params.subject, level);
    return { compatibility: level };
  });
}

function avroText({ schema, schemaType }: SchemaBody): string {
  if (schemaType === undefined || schemaType === 'AVRO') return schema;
  throw new RegistryError(INVALID_SCHEMA, `Schemas of type ${schemaType} are not supported, only AVRO`);
}

function levelOf(body: unknown): CompatibilityLevel {
  const level = typeof body === 'object' && body !== null && 'compatibility' in body ? body.compatibility : undefined;
  if (typeof level === 'string' && isCompatibilityLevel(level)) return level;
  throw new RegistryError(INVALID_LEVEL, 'Invalid compatibility level');
}

function knownVersions(registry: EmbeddedRegistry, subject: string): SubjectVersion[] {
  const versions = registry.versions(subject);
  if (versions.length === 0) throw new RegistryError(SUBJECT_NOT_FOUND, `Subject '${subject}' not found.`);
  return versions;
}

function knownVersion(registry: EmbeddedRegistry, { subject, version }: VersionParams): SubjectVersion {
  const number = version === 'latest' || version === '-1' ? null : Number(version);
  if (number !== null && !(Number.isInteger(number) && number >= 1 && number <= MAX_VERSION)) {
    throw new RegistryError(
      INVALID_VERSION,
      `The specified version '${version}' is not a valid version id: a number from 1 to ${MAX_VERSION}, or 'latest'`,
    );
  }
  const versions = knownVersions(registry, subject);
  const found = number === null ? versions.at(-1) : versions.find((one) => one.version === number);
  if (found === undefined) throw new RegistryError(VERSION_NOT_FOUND, `Version ${version} not found.`);
  return found;
}

function sendError(error: FastifyError | RegistryError | TidemarkError, reply: FastifyReply): FastifyReply {
  const code = contractCode(error);
  const status = code > 999 ? Math.floor(code / 100) : code;
  return reply.code(status).send({ error_code: code, message: error.message });
}

function contractCode(error: FastifyError | RegistryError | TidemarkError): number {
  if (error instanceof RegistryError) return error.code;
  if (error instanceof TidemarkError) {
    if (error.code === 'TM_SCHEMA_INVALID') return INVALID_SCHEMA;
    if (error.code === 'TM_SCHEMA_INCOMPATIBLE') return INCOMPATIBLE;
    return error.code === 'TM_SCHEMA_UNKNOWN' ? SCHEMA_NOT_FOUND : 50001;
  }
  return error.validation !== undefined ? INVALID_SCHEMA : (error.statusCode ?? 500);
}
