import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../../errors.ts';
import { canonicalSchema } from './canonicalSchema.ts';
import type { SchemaRegistry } from './registry.ts';

export interface HttpRegistrySettings {
  /** Base address, with the path of the Confluent API where it has one. */
  readonly url: string;
  /** Empty for no login. */
  readonly user: string;
  readonly password: string;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const REQUEST_TIMEOUT_MS = 10_000;
/** A registry that does not answer, or not now, is asked again this often, with pauses that double: 6 s in all. */
const MAX_TRIES = 7;
const FIRST_BACKOFF_MS = 100;
/** Too many requests, and the errors of a server or proxy that is just starting. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const MAX_CACHED_SCHEMAS = 10_000;

/**
 * A registry with the Confluent HTTP contract
 * (https://docs.confluent.io/platform/current/schema-registry/develop/api.html). It speaks the contract itself: the
 * decoder needs a schema's text as it was registered, which @kafkajs/confluent-schema-registry does not hand out.
 */
export function httpRegistry(settings: HttpRegistrySettings): HttpRegistry {
  return new HttpRegistry(settings);
}

export class HttpRegistry implements SchemaRegistry {
  readonly #settings: HttpRegistrySettings;
  /** A registered schema never changes. */
  readonly #textById = new Map<number, string>();

  constructor(settings: HttpRegistrySettings) {
    this.#settings = settings;
  }

  /** @throws TM_SCHEMA_INVALID, TM_SCHEMA_INCOMPATIBLE, TM_REGISTRY_UNREACHABLE, TM_REGISTRY_FAILED */
  async register(subject: string, schemaText: string): Promise<number> {
    // Some registries give another id to the same schema in other white space.
    const schema = canonicalSchema(schemaText);
    const path = `subjects/${encodeURIComponent(subject)}/versions`;
    const { id } = await this.#ask(path, subject, { method: 'POST', body: JSON.stringify({ schema }) });
    if (typeof id === 'number') return id;
    throw this.#failed('it gave no id', subject);
  }

  /** @throws TM_SCHEMA_UNKNOWN, TM_REGISTRY_UNREACHABLE, TM_REGISTRY_FAILED */
  async schemaById(id: number): Promise<string> {
    const known = this.#textById.get(id);
    if (known !== undefined) return known;
    const { schema } = await this.#ask(`schemas/ids/${id}`, `schema ${id}`, { method: 'GET' });
    if (typeof schema !== 'string') throw this.#failed('it gave no schema', `schema ${id}`);
    const text = canonicalSchema(schema);
    if (this.#textById.size < MAX_CACHED_SCHEMAS) this.#textById.set(id, text);
    return text;
  }

  async close(): Promise<void> {
    this.#textById.clear();
  }

  async #ask(path: string, where: string, request: RequestInit): Promise<Record<string, unknown>> {
    for (let attempt = 1; ; attempt++) {
      let failure: TidemarkError;
      try {
        const response = await this.#fetch(path, request);
        const answer = asObject(await response.json().catch(() => null));
        if (response.ok) return answer;
        failure = this.#refused(response.status, answer, where);
        if (!RETRIED_STATUSES.has(response.status)) throw failure;
      } catch (error) {
        if (error instanceof TidemarkError) throw error;
        failure = this.#unreachable(error);
      }
      if (attempt === MAX_TRIES) throw failure;
      await sleep(FIRST_BACKOFF_MS * 2 ** (attempt - 1));
    }
  }

  #fetch(path: string, request: RequestInit): Promise<Response> {
    const { url, user, password } = this.#settings;
    const login = Buffer.from(`${user}:${password}`).toString('base64');
    return fetch(`${url.replace(/\/+$/, '')}/${path}`, {
      ...request,
      headers: {
        accept: CONTENT_TYPE,
        'content-type': CONTENT_TYPE,
        ...(user === '' ? {} : { authorization: `Basic ${login}` }),
      },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  }

  /** What a status of the contract means. */
  #refused(status: number, answer: Record<string, unknown>, where: string): TidemarkError {
    const message = typeof answer.message === 'string' ? answer.message : `HTTP status ${status}`;
    if (status === 409) {
      return new TidemarkError('TM_SCHEMA_INCOMPATIBLE', message, {
        where,
        hint: 'Give each new field a default, and change no type; or use another topic.',
      });
    }
    if (status === 422) return new TidemarkError('TM_SCHEMA_INVALID', message, { where });
    if (status === 404) {
      return new TidemarkError('TM_SCHEMA_UNKNOWN', message, {
        where,
        hint: 'The value was written with another registry, or registry.url lacks a path (Apicurio: /apis/ccompat/v7).',
      });
    }
    return this.#failed(message, where);
  }

  #failed(message: string, where: string): TidemarkError {
    return new TidemarkError('TM_REGISTRY_FAILED', `The schema registry at ${this.#settings.url} failed: ${message}`, {
      where,
      hint: 'See registry.url, registry.user and registry.password; its own log says more.',
    });
  }

  #unreachable(cause: unknown): TidemarkError {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    return new TidemarkError('TM_REGISTRY_UNREACHABLE', `The schema registry does not answer: ${reason}`, {
      where: this.#settings.url,
      hint: 'See that it runs and that registry.url (--registry) is right. The same command goes on from where it was.',
      cause,
    });
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
