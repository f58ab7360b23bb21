import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from 'chdb';
import { TidemarkError } from '../../../errors.ts';
import { quoteName, quoteText } from '../sqlText.ts';
import { NativeGate } from './nativeGate.ts';
import { formatOf, headerLength, headerLinesOf, insertFromFile } from './statement.ts';

const BYTES_PER_MB = 1_048_576;
/** What the engine answers when a statement has no rows to stream (DDL, SHOW, …); it then runs as a whole. */
const NOT_STREAMABLE = 'Streaming query is not supported';
const DEFAULT_FORMAT = 'TabSeparated';

export interface StatementRequest {
  readonly sql: string;
  readonly database: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Values of `{name:Type}` in the statement. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The file that holds an insert's data, or null. */
  readonly dataFile: string | null;
}

export interface StatementResult {
  readonly format: string;
  readonly blocks: AsyncIterable<Uint8Array>;
}

/**
 * ClickHouse in this process (chdb), on one directory. A statement runs in a session of its own (0.7 ms), so that no
 * setting, database or parameter of one reaches another: just as over HTTP.
 */
export class EmbeddedEngine {
  /** Data of inserts on their way in. */
  readonly incoming: string;
  readonly #path: string;
  readonly #newSession: (path: string) => Session;
  readonly #drain: () => Promise<void>;
  /** Keeps the engine and its directory open between statements. */
  readonly #anchor: Session;
  readonly #gate = new NativeGate();

  private constructor(path: string, chdb: typeof import('chdb'), anchor: Session) {
    this.#path = path;
    this.incoming = join(path, 'incoming');
    this.#newSession = (at) => new chdb.Session(at);
    this.#drain = chdb.drainPending;
    this.#anchor = anchor;
  }

  /** @throws TM_CLICKHOUSE_OPEN when the directory cannot be opened, for instance because another process holds it. */
  static async open(path: string, memoryMb: number): Promise<EmbeddedEngine> {
    try {
      mkdirSync(path, { recursive: true });
      // Loading the engine takes a third of a second, which commands that do not need it must not pay.
      const chdb = await import('chdb');
      await chdb.drainPending();
      const anchor = new chdb.Session(path, {
        connectionArgs: [`--max_server_memory_usage=${memoryMb * BYTES_PER_MB}`],
      });
      const engine = new EmbeddedEngine(path, chdb, anchor);
      rmSync(engine.incoming, { recursive: true, force: true });
      mkdirSync(engine.incoming);
      return engine;
    } catch (error) {
      throw new TidemarkError('TM_CLICKHOUSE_OPEN', `the embedded ClickHouse cannot be opened: ${textOf(error)}`, {
        where: path,
        hint: 'Check that the directory is writable and that no other program holds it, or name a server with clickhouse.url.',
        cause: error,
      });
    }
  }

  /**
   * Runs a statement. Resolves once its first block is there, so that most errors come before any row.
   *
   * @throws Error with ClickHouse's text, `Code: N. DB::Exception: …`
   */
  async run(request: StatementRequest): Promise<StatementResult> {
    const session = this.#newSession(this.#path);
    try {
      await this.#prepare(session, request);
      const format = formatOf(request.sql) ?? request.settings.get('default_format') ?? DEFAULT_FORMAT;
      const headerLines = headerLinesOf(format);
      const blocks =
        request.dataFile === null && headerLines !== null
          ? await this.#stream(session, request.sql, format, headerLines)
          : null;
      if (blocks !== null) return { format, blocks };
      const sql = request.dataFile === null ? request.sql : insertFromFile(request.sql, quoteText(request.dataFile));
      const result = await this.#gate.run(() => session.queryAsync(sql, { format }));
      session.close();
      return { format, blocks: whole(result.bytes()) };
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#anchor.close();
    await this.#drain();
  }

  /** All in one SET: each statement takes its turn in the engine. `readonly` holds from the next statement on. */
  async #prepare(session: Session, { database, settings, parameters }: StatementRequest): Promise<void> {
    const assignments = [
      ...Array.from(parameters, ([name, value]) => `${quoteName(`param_${name}`)} = ${quoteText(value)}`),
      ...Array.from(settings)
        .filter(([name]) => name !== 'default_format')
        .map(([name, value]) => `${quoteName(name)} = ${quoteText(value)}`),
    ];
    await this.#gate.run(() => session.queryAsync(`USE ${quoteName(database)}`));
    if (assignments.length > 0) await this.#gate.run(() => session.queryAsync(`SET ${assignments.join(', ')}`));
  }

  /** The rows block by block, or null when the statement has to run as a whole. Closes the session at the end. */
  async #stream(
    session: Session,
    sql: string,
    format: string,
    headerLines: number,
  ): Promise<AsyncIterable<Uint8Array> | null> {
    let iterator: AsyncIterator<{ raw(): Uint8Array }>;
    try {
      iterator = session.queryStream(sql, { format })[Symbol.asyncIterator]();
    } catch (error) {
      if (textOf(error).includes(NOT_STREAMABLE)) return null;
      throw error;
    }
    const next = () => this.#gate.run(() => iterator.next());
    const first = await next();
    return blocksOf(session, iterator, first, next, { lines: headerLines, quoted: format.startsWith('CSV') });
  }
}

async function* blocksOf(
  session: Session,
  iterator: AsyncIterator<{ raw(): Uint8Array }>,
  first: IteratorResult<{ raw(): Uint8Array }>,
  next: () => Promise<IteratorResult<{ raw(): Uint8Array }>>,
  header: { lines: number; quoted: boolean },
): AsyncIterable<Uint8Array> {
  try {
    let isFirst = true;
    for (let item = first; item.done !== true; item = await next()) {
      const block = item.value.raw();
      yield isFirst ? block : block.subarray(headerLength(block, header.lines, header.quoted));
      isFirst = false;
    }
  } finally {
    await iterator.return?.();
    session.close();
  }
}

async function* whole(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
