import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { EmbeddedEngine } from './engine.ts';
import { isInsert } from './statement.ts';

/** Longest statement that is taken as text. An insert's data goes to a file and has no such bound. */
const MAX_STATEMENT_BYTES = 16 * 1_048_576;
const MAX_CONNECTIONS = 256;
/** How long requests under way may take to end when the server closes; a reader that has paused would hold it for ever. */
const CLOSE_GRACE_MS = 2_000;
const OWNER_ONLY = 0o177;
/** What the HTTP interface knows as parameters; every other name is a setting (https://clickhouse.com/docs/interfaces/http). */
const NOT_SETTINGS = new Set(['query', 'database', 'query_id', 'session_id', 'role', 'user', 'password']);
/** Settings of the HTTP server itself, which the engine does not know. */
const HTTP_SETTING = /^(wait_end_of_query|enable_http_compression|send_progress_in_http_headers|http_\w+)$/;
/** ClickHouse's code for an error that has none. */
const STD_EXCEPTION = 1001;

/** Serves an engine on a local socket as ClickHouse's HTTP interface, so that any process uses the ordinary client. */
export class EmbeddedServer {
  readonly #engine: EmbeddedEngine;
  readonly #server: Server;
  readonly #socketPath: string;
  #requests = 0;

  private constructor(engine: EmbeddedEngine, socketPath: string) {
    this.#engine = engine;
    this.#socketPath = socketPath;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    // A local peer that goes away is noticed at once; a timeout would only cut a connection that is about to be used.
    this.#server.keepAliveTimeout = 0;
  }

  static async listen(engine: EmbeddedEngine, socketPath: string): Promise<EmbeddedServer> {
    rmSync(socketPath, { force: true });
    const server = new EmbeddedServer(engine, socketPath);
    // The socket is bound within listen(): nobody else can ever connect to it.
    const previous = process.umask(OWNER_ONLY);
    try {
      server.#server.listen(socketPath);
    } finally {
      process.umask(previous);
    }
    await once(server.#server, 'listening');
    return server;
  }

  /** Takes no more requests and waits for those under way, within bounds. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(cut);
    rmSync(this.#socketPath, { force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    try {
      if (url.pathname === '/ping') response.end('Ok.\n');
      else await this.#execute(url.searchParams, request, response);
    } catch (error) {
      fail(response, error);
    }
    if (!this.#server.listening) response.socket?.end();
  }

  async #execute(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const inUrl = query.get('query') ?? '';
    const dataFile = isInsert(inUrl) ? join(this.#engine.incoming, String(this.#requests++)) : null;
    try {
      let sql = inUrl;
      if (dataFile === null) sql += await textOf(request);
      else await pipeline(request, createWriteStream(dataFile));
      const result = await this.#engine.run({ sql, ...parametersOf(query), dataFile });
      const tag = randomBytes(8).toString('hex');
      response.setHeader('X-ClickHouse-Query-Id', query.get('query_id') ?? '');
      response.setHeader('X-ClickHouse-Format', result.format);
      response.setHeader('X-ClickHouse-Exception-Tag', tag);
      await send(response, result.blocks, tag);
    } finally {
      if (dataFile !== null) rmSync(dataFile, { force: true });
    }
  }
}

function parametersOf(query: URLSearchParams) {
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of query) {
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else if (!NOT_SETTINGS.has(name) && !HTTP_SETTING.test(name)) settings.set(name, value);
  }
  return { database: query.get('database') ?? 'default', settings, parameters };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_STATEMENT_BYTES) throw new RangeError(`a statement is longer than ${MAX_STATEMENT_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** An error after the first row goes to the end of the body, marked by the tag, as ClickHouse does it since 25.11. */
async function send(response: ServerResponse, blocks: AsyncIterable<Uint8Array>, tag: string): Promise<void> {
  try {
    for await (const block of blocks) {
      if (response.destroyed) return;
      if (!response.write(block)) await roomIn(response);
    }
    response.end();
  } catch (error) {
    const text = `${exceptionText(error)}\n`;
    response.end(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`);
  }
}

/** Until the client has read on, or has gone. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function fail(response: ServerResponse, error: unknown): void {
  const text = exceptionText(error);
  if (!response.headersSent) {
    response.statusCode = 500;
    response.setHeader('X-ClickHouse-Exception-Code', /^Code: (\d+)/.exec(text)?.[1] ?? String(STD_EXCEPTION));
  }
  response.end(`${text}\n`);
}

function exceptionText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^Code: \d+/.test(message) ? message : `Code: ${STD_EXCEPTION}. DB::Exception: ${message}. (STD_EXCEPTION)`;
}
