import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../../../errors.ts';
import { acquireProcessLock } from '../../../log/embedded/processLock.ts';
import { EmbeddedEngine } from './engine.ts';
import { EmbeddedServer } from './server.ts';

/** A new owner opens the engine in half a second; a large directory after a crash takes longer. */
const ATTACH_ATTEMPTS = 300;
const ATTACH_RETRY_MS = 100;
/** Unix socket paths are cut at 104 bytes on macOS, 108 on Linux (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 100;
const MAX_SOCKETS = 16;

/**
 * The way to the embedded ClickHouse of a data directory, which only one process can hold. Whoever comes first holds it
 * and serves it on a local socket named in `owner.json`; the others connect there. When the holder goes away, the next
 * connection of any other process takes over.
 */
export class SharedEngine {
  readonly agent: Agent;
  readonly #directory: string;
  readonly #memoryMb: number;
  #owned: { release(): void; engine: EmbeddedEngine; server: EmbeddedServer } | null = null;
  #takingOver: Promise<number | null> | null = null;
  #closed = false;

  constructor(directory: string, memoryMb: number) {
    this.#directory = resolve(directory);
    this.#memoryMb = memoryMb;
    this.agent = new AttachingAgent(() => this.#connect());
  }

  /** Holds or reaches the engine, so that what is wrong shows now. @throws TM_CLICKHOUSE_UNREACHABLE, TM_CLICKHOUSE_OPEN */
  async attach(): Promise<void> {
    (await this.#connect()).destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.agent.destroy();
    // Waits for a take-over under way, whose failure was told to whoever asked for it.
    await this.#takingOver?.catch(() => null);
    const owned = this.#owned;
    this.#owned = null;
    if (owned === null) return;
    rmSync(this.#ownerFile, { force: true });
    await owned.server.close();
    await owned.engine.close();
    owned.release();
  }

  get #ownerFile(): string {
    return join(this.#directory, 'owner.json');
  }

  async #connect(): Promise<Socket> {
    let holder = 0;
    for (let attempt = 0; attempt < ATTACH_ATTEMPTS && !this.#closed; attempt++) {
      const socketPath = readSocketPath(this.#ownerFile);
      const socket = socketPath === null ? null : await connectTo(socketPath);
      if (socket !== null) return socket;
      this.#takingOver ??= this.#takeOver().finally(() => {
        this.#takingOver = null;
      });
      const heldBy = await this.#takingOver;
      if (heldBy === null) continue;
      holder = heldBy;
      await sleep(ATTACH_RETRY_MS);
    }
    const reason = this.#closed ? 'it was closed' : `process ${holder} holds it but does not answer`;
    throw new TidemarkError('TM_CLICKHOUSE_UNREACHABLE', `the embedded ClickHouse cannot be reached: ${reason}`, {
      where: this.#directory,
      hint: 'Wait until that process has opened its data, or end it.',
    });
  }

  /** Becomes the holder and gives null, or gives the process that is. */
  async #takeOver(): Promise<number | null> {
    const lock = acquireProcessLock(join(this.#directory, 'locks', 'clickhouse'));
    if ('heldBy' in lock) return lock.heldBy;
    let engine: EmbeddedEngine | null = null;
    let server: EmbeddedServer | null = null;
    try {
      engine = await EmbeddedEngine.open(join(this.#directory, 'clickhouse'), this.#memoryMb);
      const socketPath = socketPathOf(this.#directory);
      server = await EmbeddedServer.listen(engine, socketPath);
      const draft = `${this.#ownerFile}.${process.pid}`;
      writeFileSync(draft, JSON.stringify({ pid: process.pid, socket: socketPath }));
      renameSync(draft, this.#ownerFile);
      this.#owned = { release: () => lock.release(), engine, server };
      return null;
    } catch (error) {
      await server?.close();
      await engine?.close();
      lock.release();
      throw error;
    }
  }
}

/** Asks for a connected socket each time the client needs one, whoever holds the engine by then. */
class AttachingAgent extends Agent {
  readonly #connect: () => Promise<Socket>;

  constructor(connect: () => Promise<Socket>) {
    super({ keepAlive: true, maxSockets: MAX_SOCKETS });
    this.#connect = connect;
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, socket: Socket) => void): undefined {
    this.#connect().then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
  }
}

function readSocketPath(ownerFile: string): string | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile, 'utf8'));
    if (typeof owner === 'object' && owner !== null && 'socket' in owner) return String(owner.socket);
    return null;
  } catch {
    // No owner, or a file that a crash left unfinished: nobody to connect to.
    return null;
  }
}

function connectTo(socketPath: string): Promise<Socket | null> {
  return new Promise((done) => {
    const socket = createConnection(socketPath);
    socket.once('connect', () => {
      socket.off('error', gone);
      done(socket);
    });
    const gone = () => done(null);
    socket.once('error', gone);
  });
}

function socketPathOf(directory: string): string {
  const path = join(directory, 'clickhouse.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `tidemark-${name}.sock`);
}
