import { setTimeout as sleep } from 'node:timers/promises';
import { SchemaRegistry as Client, COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry';
import { TidemarkError } from '../../errors.ts';
import { canonicalSchema } from './canonicalSchema.ts';
import { isCompatibilityLevel } from './compatibility.ts';
import type { SchemaRegistry } from './registry.ts';

export interface HttpRegistrySettings {
  /** Base address, with the path of the Confluent API where it has one. */
  readonly url: string;
  /** Empty for no login. */
  readonly user: string;
  readonly password: string;
}

type Middleware = NonNullable<ConstructorParameters<typeof Client>[0]['middlewares']>[number];

const REQUEST_TIMEOUT_MS = 10_000;
/** A registry that does not answer, or not now, is asked again this often, with pauses that double: 6 s in all. */
const MAX_TRIES = 7;
const FIRST_BACKOFF_MS = 100;
/** Too many requests, and the errors of a server or proxy that is just starting. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
/** The client's name for the error that a lookup found nothing. */
const NOT_REGISTERED = 'ConfluentSchemaRegistryError';
const CONFLICT = 409;
/** What the client makes of no answer at all. The contract has no such status for what is asked here. */
const UNANSWERED = 400;
const MAX_CACHED_SCHEMAS = 10_000;
/** How often a registration may meet another one of the same new subject. */
const MAX_LEVEL_TRIES = 4;
/** Named to the registry, and before the client's messages, which mean by status 400 that there was no answer. */
const CLIENT_ID = 'tidemark';
const MESSAGE_PREFIX = /^tidemark - (Error, status 400: )?/;
/** Set for subjects that are new: Apicurio would check nothing. */
const NEW_SUBJECT_LEVEL = COMPATIBILITY.BACKWARD;

/**
 * A registry with the Confluent HTTP contract
 * (https://docs.confluent.io/platform/current/schema-registry/develop/api.html).
 */
export function httpRegistry(settings: HttpRegistrySettings): HttpRegistry {
  return new HttpRegistry(settings);
}

export class HttpRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #client: Client;
  /** As registered, which never changes. The client gives a schema as avsc's type only, which lacks part of the text. */
  readonly #textById = new Map<number, string>();
  /** Of the subjects that were registered under. */
  readonly #levels = new Map<string, COMPATIBILITY>();

  constructor({ url, user, password }: HttpRegistrySettings) {
    this.#url = url;
    this.#client = new Client({
      clientId: CLIENT_ID,
      host: url.replace(/\/+$/, ''),
      ...(user === '' ? {} : { auth: { username: user, password } }),
      // A whole operation of the client's is tried again here, by one rule for reads and writes.
      retry: { retries: 0 },
      middlewares: [withTimeout, this.#remember],
    });
  }

  /** @throws TM_SCHEMA_INVALID, TM_SCHEMA_INCOMPATIBLE, TM_REGISTRY_UNREACHABLE, TM_REGISTRY_FAILED */
  async register(subject: string, schemaText: string): Promise<number> {
    // Some registries give another id to the same schema in other white space.
    const schema = canonicalSchema(schemaText);
    return this.#patiently(
      subject,
      async () => (await this.#registered(subject, schema)) ?? this.#newVersion(subject, schema),
    );
  }

  /** @throws TM_SCHEMA_UNKNOWN, TM_REGISTRY_UNREACHABLE, TM_REGISTRY_FAILED */
  async latestId(subject: string): Promise<number> {
    return this.#patiently(subject, () => this.#client.getLatestSchemaId(subject));
  }

  /** @throws TM_SCHEMA_INVALID, TM_SCHEMA_UNKNOWN, TM_REGISTRY_UNREACHABLE, TM_REGISTRY_FAILED */
  async schemaById(id: number): Promise<string> {
    const known = this.#textById.get(id);
    if (known !== undefined) return known;
    await this.#patiently(`schema ${id}`, () => {
      // What the client remembers has no text: it is to ask.
      this.#client.cache.clear();
      return this.#client.getSchema(id);
    });
    const text = this.#textById.get(id);
    if (text === undefined) throw this.#failed('it gave no schema', `schema ${id}`);
    return text;
  }

  async close(): Promise<void> {
    this.#client.cache.clear();
    this.#textById.clear();
    this.#levels.clear();
  }

  /** The id that a schema has under a subject; null when it has none. Needs no right to write. */
  async #registered(subject: string, schema: string): Promise<number | null> {
    try {
      return await this.#client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema });
    } catch (error) {
      if (error instanceof Error && error.name === NOT_REGISTERED) return null;
      throw error;
    }
  }

  async #newVersion(subject: string, schema: string): Promise<number> {
    let compatibility = NEW_SUBJECT_LEVEL;
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#client.register({ type: SchemaType.AVRO, schema }, { subject, compatibility })).id;
      } catch (error) {
        // The client refuses a subject of another level before it registers. A level that is set there stands; it changes
        // under way where another process registers the same new subject, and setting it twice is a conflict.
        const level = this.#levels.get(subject);
        const isRefused = statusOf(error) === null && level !== undefined && level !== compatibility;
        if (attempt === MAX_LEVEL_TRIES || !(isRefused || statusOf(error) === CONFLICT)) throw error;
        const id = await this.#registered(subject, schema);
        if (id !== null) return id;
        if (isRefused) compatibility = level;
      }
    }
  }

  /** Keeps what the client reads and does not hand out. */
  readonly #remember: Middleware = ({ resourceMethod }) => ({
    response: async (next, _renew, request) => {
      const response = await next();
      const answer = asObject(response.data<unknown>());
      const { id, subject } = request.params();
      if (resourceMethod === 'find') this.#rememberText(Number(id), answer.schema);
      if (resourceMethod === 'config') this.#rememberLevel(String(subject), answer.compatibilityLevel);
      return response;
    },
  });

  #rememberText(id: number, schema: unknown): void {
    if (typeof schema !== 'string') throw this.#failed('it gave no schema', `schema ${id}`);
    const text = canonicalSchema(schema);
    const [oldest] = this.#textById.keys();
    if (this.#textById.size >= MAX_CACHED_SCHEMAS && oldest !== undefined) this.#textById.delete(oldest);
    this.#textById.set(id, text);
  }

  #rememberLevel(subject: string, level: unknown): void {
    if (typeof level === 'string' && isCompatibilityLevel(level)) this.#levels.set(subject, COMPATIBILITY[level]);
  }

  async #patiently<T>(where: string, ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof TidemarkError) throw error;
        const status = statusOf(error);
        const isTemporary = status !== null && (status === UNANSWERED || RETRIED_STATUSES.has(status));
        if (!isTemporary || attempt === MAX_TRIES) throw this.#meaning(error, status, where);
      }
      await sleep(FIRST_BACKOFF_MS * 2 ** (attempt - 1));
    }
  }

  /** What a status of the contract means. */
  #meaning(error: unknown, status: number | null, where: string): TidemarkError {
    const message = (error instanceof Error ? error.message : String(error)).replace(MESSAGE_PREFIX, '');
    switch (status) {
      case UNANSWERED:
        return new TidemarkError(
          'TM_REGISTRY_UNREACHABLE',
          `The schema registry does not answer: ${message} (${MAX_TRIES} tries of at most ${REQUEST_TIMEOUT_MS / 1000} s)`,
          {
            where: this.#url,
            hint: 'See that it runs and that registry.url (--registry) is right. The same command goes on from where it was.',
            cause: error,
          },
        );
      case CONFLICT:
        return new TidemarkError('TM_SCHEMA_INCOMPATIBLE', message, {
          where,
          hint: 'Give each new field a default, and change no type; or use another topic.',
        });
      case 422:
        return new TidemarkError('TM_SCHEMA_INVALID', message, { where });
      case 404:
        return new TidemarkError('TM_SCHEMA_UNKNOWN', message, {
          where,
          hint: 'The value was written with another registry, or registry.url lacks a path (Apicurio: /apis/ccompat/v7).',
        });
      default:
        return this.#failed(message, where, error);
    }
  }

  #failed(message: string, where: string, cause?: unknown): TidemarkError {
    return new TidemarkError('TM_REGISTRY_FAILED', `The schema registry at ${this.#url} failed: ${message}`, {
      where,
      hint: 'See registry.url, registry.user and registry.password; its own log says more.',
      cause,
    });
  }
}

/** For each request, from the connection to the end of the answer. */
const withTimeout: Middleware = () => ({
  prepareRequest: async (next) => (await next()).enhance({ signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
});

/** The HTTP status of an answer that was no success; null for an error that is none. */
function statusOf(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
