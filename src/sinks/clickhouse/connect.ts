import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError, createClient, type ExecResult } from '@clickhouse/client';
import { TidemarkError } from '../../errors.ts';
import { SharedEngine } from './embedded/ownership.ts';
import { ExceptionInBody, readBody } from './responseBody.ts';
import { quoteName } from './sqlText.ts';

/** The oldest server whose deduplication settings mean what the inserts here say. */
const OLDEST_VERSION: readonly [number, number] = [26, 2];
/** How often a request is sent again when its connection breaks, in case another process takes the engine over. */
const RECONNECTS = 5;
const RECONNECT_DELAY_MS = 100;
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);

export interface ClickHouseOptions {
  /** A server's HTTP address; empty for the embedded ClickHouse in the data directory. */
  readonly url: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly requestTimeoutMs: number;
  /** Of inserts and results: `on` or `off`. */
  readonly compression: string;
  /** Most memory of the embedded ClickHouse. */
  readonly memoryMb: number;
  /** The data directory: the embedded ClickHouse keeps `clickhouse/`, `owner.json` and its socket there. */
  readonly directory: string;
}

/** What goes with one statement, and holds for it alone. */
export interface StatementOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Values of the statement's `{name:Type}`: ClickHouse reads them as values only, whatever their text. */
  readonly parameters?: Readonly<Record<string, string | number>>;
}

/** One database of a ClickHouse, be it a server or the embedded one, held by this process or another. */
export interface ClickHouse {
  readonly client: ClickHouseClient;
  readonly database: string;
  /** Runs a statement that gives no rows and may be repeated (a request is sent again when its connection breaks). */
  command(sql: string): Promise<void>;
  /** All rows of a query with a small result. */
  rows<Row>(sql: string, options?: StatementOptions): Promise<Row[]>;
  /** The bytes of a result as they come; `sql` names its FORMAT. */
  stream(sql: string, options?: StatementOptions): AsyncIterable<Uint8Array>;
  /** `sql` is `INSERT INTO … SETTINGS … FORMAT …`; resolves once it is stored. Not repeated: that is the sink's decision. */
  insert(sql: string, body: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens ClickHouse and makes the database when it is missing.
 *
 * @throws TM_CLICKHOUSE_UNREACHABLE, TM_CLICKHOUSE_OPEN, TM_CLICKHOUSE_VERSION
 */
export async function openClickHouse(options: ClickHouseOptions): Promise<ClickHouse> {
  const engine = options.url === '' ? new SharedEngine(options.directory, options.memoryMb) : null;
  try {
    await engine?.attach();
    const bootstrap = new Connection(options, 'default', engine);
    await bootstrap.checkVersion();
    await bootstrap.command(`CREATE DATABASE IF NOT EXISTS ${quoteName(options.database)} ENGINE = Atomic`);
    await bootstrap.client.close();
    return new Connection(options, options.database, engine);
  } catch (error) {
    await engine?.close();
    throw error;
  }
}

class Connection implements ClickHouse {
  readonly client: ClickHouseClient;
  readonly database: string;
  readonly #where: string;
  readonly #engine: SharedEngine | null;

  constructor(options: ClickHouseOptions, database: string, engine: SharedEngine | null) {
    this.database = database;
    this.#engine = engine;
    this.#where = options.url === '' ? options.directory : options.url;
    this.client = createClient({
      url: options.url === '' ? 'http://localhost' : options.url,
      username: options.user,
      password: options.password,
      database,
      application: 'tidemark',
      request_timeout: options.requestTimeoutMs,
      compression: { request: options.compression === 'on', response: options.compression === 'on' },
      log: { level: 127 },
      ...(engine === null ? {} : { http_agent: engine.agent as Agent }),
    });
  }

  async command(sql: string): Promise<void> {
    await this.#reconnecting(() => this.client.command({ query: sql }));
  }

  async rows<Row>(sql: string, options: StatementOptions = {}): Promise<Row[]> {
    return this.#reconnecting(async () => {
      const result = await this.client.query({ query: sql, format: 'JSONEachRow', ...requestOf(options) });
      return result.json<Row>();
    });
  }

  async *stream(sql: string, options: StatementOptions = {}): AsyncIterable<Uint8Array> {
    const result = await this.#reconnecting(() => this.client.exec({ query: sql, ...requestOf(options) }));
    try {
      yield* bodyOf(result);
    } catch (error) {
      throw error instanceof ExceptionInBody ? error : this.#broken(error);
    }
  }

  async insert(sql: string, body: Uint8Array): Promise<void> {
    const result = await this.client.exec({ query: sql, values: Readable.from([body], { objectMode: false }) });
    for await (const _ of bodyOf(result)) {
      // The answer of an insert is empty, unless it failed late; reading it to its end frees the connection.
    }
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#engine?.close();
  }

  async checkVersion(): Promise<void> {
    const [row] = await this.rows<{ version: string }>('SELECT version() AS version');
    const [major = 0, minor = 0] = (row?.version ?? '').split('.').map(Number);
    const [oldestMajor, oldestMinor] = OLDEST_VERSION;
    if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
    throw new TidemarkError('TM_CLICKHOUSE_VERSION', `ClickHouse ${row?.version} is too old`, {
      where: this.#where,
      hint: `Use ClickHouse ${OLDEST_VERSION.join('.')} or later.`,
    });
  }

  async #reconnecting<T>(send: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send();
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        if (attempt === RECONNECTS || isTimeout(error)) throw this.#broken(error);
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_DELAY_MS));
      }
    }
  }

  #broken(error: unknown): TidemarkError {
    return new TidemarkError('TM_CLICKHOUSE_UNREACHABLE', `ClickHouse does not answer: ${messageOf(error)}`, {
      where: this.#where,
      hint: 'Check that it is running, and its address.',
      cause: error,
    });
  }
}

/** @throws ExceptionInBody */
function bodyOf({ stream, response_headers }: ExecResult<AsyncIterable<Uint8Array>>): AsyncIterable<Uint8Array> {
  const tag = response_headers['x-clickhouse-exception-tag'];
  return readBody(stream, typeof tag === 'string' ? tag : null);
}

function requestOf({ settings = {}, parameters = {} }: StatementOptions) {
  return { clickhouse_settings: settings, query_params: parameters };
}

/** Sent again, a request that took too long would most likely take too long again. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && /Timeout error/i.test(error.message);
}

/** Whether the connection failed, and not the statement: sending it again may help. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof ClickHouseError || error instanceof TidemarkError) return false;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return CONNECTION_CODES.has(code) || /socket hang up|aborted|Timeout error/i.test(error.message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
