import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { openClickHouse } from '../../src/sinks/clickhouse/connect.ts';

/**
 * What goes wrong with a request: the connection is lost before all of it has come; after it was run, before the answer;
 * or in the middle of the answer; or there is no answer.
 */
export type Fault = 'lostBefore' | 'lostAfter' | 'lostWithin' | 'noAnswer';

export interface SeenRequest {
  readonly method: string;
  /** The statement's part that is in the address: all of it for an insert. */
  readonly query: string;
  readonly gzipped: boolean;
  readonly answeredGzipped: boolean;
}

export interface ClickHouseServer {
  /** As `http://host:port`; any user and password may enter. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Decides for each request, by its address, what goes wrong with it. */
  fault: (query: string) => Fault | null;
  /** Ends connections that no request is using, as a server does whose keep-alive time is over. */
  closeIdle(): void;
  /** Cuts all connections and takes no more; what is stored stays. */
  stop(): Promise<void>;
  /** Takes connections again, at the same address. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const MEMORY_MB = 512;
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * ClickHouse's HTTP interface on a port of this machine, in front of an embedded ClickHouse, with gzip both ways. It shows
 * that the client finds its way over HTTP, also when things go wrong, and proves nothing of a server.
 */
export async function openClickHouseServer(directory: string): Promise<ClickHouseServer> {
  const holder = await openClickHouse({
    url: '',
    database: 'default',
    user: 'default',
    password: '',
    memoryMb: MEMORY_MB,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    compression: 'off',
    directory,
  });
  const { socket }: { socket: string } = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8'));
  const front = new Front(socket);
  await front.start();
  return Object.assign(front, {
    async close() {
      await front.stop();
      await holder.close();
    },
  });
}

class Front implements Omit<ClickHouseServer, 'close'> {
  readonly requests: SeenRequest[] = [];
  fault: (query: string) => Fault | null = () => null;
  readonly #engine: string;
  #server = createServer();
  #port = 0;

  constructor(engine: string) {
    this.#engine = engine;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((from, to) => {
      // A connection that is lost, by a fault or by the client, shows at the client.
      this.#answer(from, to).catch(() => to.destroy());
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    // A server that listens on a port has an address of this form.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  async #answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const address = new URL(from.url ?? '/', 'http://localhost').searchParams;
    const query = address.get('query') ?? '';
    const gzipped = from.headers['content-encoding'] === 'gzip';
    const wantsGzip =
      address.get('enable_http_compression') === '1' && /\bgzip\b/.test(from.headers['accept-encoding'] ?? '');
    this.requests.push({ method: from.method ?? '', query, gzipped, answeredGzipped: wantsGzip });
    const fault = this.fault(query);
    if (fault === 'noAnswer') return;
    if (fault === 'lostBefore') {
      await once(from, 'data');
      to.destroy();
      return;
    }
    const asked = request({ socketPath: this.#engine, path: from.url, method: from.method });
    to.once('close', () => asked.destroy());
    const [answer] = await Promise.all([answerOf(asked), send(from, gzipped, asked)]);
    if (fault === 'lostAfter') {
      await drained(answer);
      to.destroy();
      return;
    }
    to.writeHead(answer.statusCode ?? 500, {
      ...withoutFraming(answer.headers),
      ...(wantsGzip ? { 'content-encoding': 'gzip' } : {}),
    });
    if (fault === 'lostWithin') {
      for await (const part of answer) {
        await new Promise<void>((written) => to.write(part, () => written()));
        to.destroy();
        return;
      }
    }
    if (wantsGzip) await pipeline(answer, createGzip(), to);
    else await pipeline(answer, to);
  }
}

async function answerOf(asked: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

function send(from: IncomingMessage, gzipped: boolean, asked: ClientRequest): Promise<void> {
  return gzipped ? pipeline(from, createGunzip(), asked) : pipeline(from, asked);
}

/** An engine that stored rows says so before it ends its answer. */
async function drained(answer: IncomingMessage): Promise<void> {
  for await (const _ of answer) {
    // Nothing of it is passed on.
  }
}

function withoutFraming(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { 'transfer-encoding': _encoding, 'content-length': _length, connection: _connection, ...kept } = headers;
  return kept;
}
