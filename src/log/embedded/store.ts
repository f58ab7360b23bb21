import { closeSync, mkdirSync, openSync, readSync, realpathSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { TidemarkError } from '../../errors.ts';
import type { ProcessIdentity } from './processIdentity.ts';

/** Version of the layout below. A store of another version is refused. */
const FORMAT = 1;
const FORMAT_KEY = 'format';
const META = 'meta';
/** Processes and threads that read at one moment. */
const MAX_READERS = 512;
const MAX_DATABASES = 16;

export interface TopicRow {
  readonly id: number;
  readonly partitions: number;
  readonly retentionMs: number;
}

export interface PartitionRow {
  /** First offset that can be read. */
  readonly begin: number;
  /** Next offset to be given. */
  readonly end: number;
  /** Append time of the newest batch, epoch milliseconds; append times never go backwards within a partition. */
  readonly lastAppendMs: number;
}

export interface PositionRow {
  readonly offset: number;
  readonly metadata: string;
}

/** A member of a group: the process that it lives in, and the partitions that it has. */
export interface MemberRow extends ProcessIdentity {
  readonly id: number;
  readonly partitions: readonly number[];
}

export interface SubjectVersionRow {
  readonly id: number;
  readonly deleted: boolean;
}

/** The LMDB environment of a data directory, with one sub-database a kind of row. */
export interface Store {
  readonly directory: string;
  readonly root: RootDatabase<unknown, string>;
  /** By name. */
  readonly topics: Database<TopicRow, string>;
  /** By topic id and partition. */
  readonly partitions: Database<PartitionRow, [number, number]>;
  /** Record batches by topic id, partition and base offset. */
  readonly batches: Database<Uint8Array, [number, number, number]>;
  /** Time index: base offset of the first batch of an append time, by topic id, partition and append time. */
  readonly times: Database<number, [number, number, number]>;
  /** By group, topic id and partition. */
  readonly positions: Database<PositionRow, [string, number, number]>;
  /** Members by group and topic id, in the order in which they joined. */
  readonly members: Database<readonly MemberRow[], [string, number]>;
  /** Newest epoch by transactional id. */
  readonly writers: Database<number, string>;
  /** Schema text by id, and id by the text's SHA-256 (a text may be longer than a key). */
  readonly schemas: Database<string, number>;
  readonly schemaIds: Database<number, string>;
  /** By subject and version. */
  readonly subjects: Database<SubjectVersionRow, [string, number]>;
  /** Compatibility level by subject; the empty name holds the default. */
  readonly compatibility: Database<string, string>;
  /** Called after a commit of this process. */
  readonly committed: Set<() => void>;
}

/** Whether the log that a writer or reader belongs to was closed. */
export interface Lifetime {
  closed: boolean;
}

interface SharedStore {
  readonly store: Store;
  holders: number;
}

/**
 * Open stores by real path: LMDB must not open an environment twice in a process (closing one would drop the other's
 * file locks), while the log and the registry share one.
 */
const openStores = new Map<string, SharedStore>();

/**
 * Opens the store in `directory`, making it if there is none. Each `openStore` needs one `closeStore`.
 * @throws TM_LOG_DIRECTORY, TM_LOG_FORMAT
 */
export function openStore(directory: string): Store {
  const path = makeDirectory(directory);
  const shared = openStores.get(path);
  if (shared !== undefined) {
    shared.holders += 1;
    return shared.store;
  }
  const store = openDatabases(path);
  openStores.set(path, { store, holders: 1 });
  return store;
}

export async function closeStore(store: Store): Promise<void> {
  const shared = openStores.get(store.directory);
  if (shared === undefined || shared.store !== store) return;
  shared.holders -= 1;
  if (shared.holders > 0) return;
  openStores.delete(store.directory);
  await store.root.close();
}

function makeDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true });
    return realpathSync(directory);
  } catch (cause) {
    throw directoryError(directory, cause);
  }
}

function openDatabases(path: string): Store {
  let root: RootDatabase<unknown, string> | undefined;
  try {
    checkMagic(path);
    root = open<unknown, string>({
      path,
      noSubdir: false,
      maxDbs: MAX_DATABASES,
      maxReaders: MAX_READERS,
      // Off, a commit is on disk before anybody sees it; on, a reader may see what a power cut takes back.
      overlappingSync: false,
    });
    checkFormat(root, path);
    root.readerCheck();
    return {
      directory: path,
      root,
      topics: root.openDB('topics', { encoding: 'json' }),
      partitions: root.openDB('partitions', { encoding: 'json' }),
      batches: root.openDB('batches', { encoding: 'binary' }),
      times: root.openDB('times', { encoding: 'json' }),
      positions: root.openDB('positions', { encoding: 'json' }),
      members: root.openDB('members', { encoding: 'json' }),
      writers: root.openDB('writers', { encoding: 'json' }),
      schemas: root.openDB('schemas', { encoding: 'string' }),
      schemaIds: root.openDB('schemaIds', { encoding: 'json' }),
      subjects: root.openDB('subjects', { encoding: 'json' }),
      compatibility: root.openDB('compatibility', { encoding: 'string' }),
      committed: new Set(),
    };
  } catch (cause) {
    void root?.close();
    throw openError(path, cause);
  }
}

/** LMDB's magic number, and where a file's first page has it (behind a page header of 24 bytes, in LMDB 1.0). */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;

/** Refuses a data file that LMDB did not write: lmdb 3.5.6 ends the process with a segmentation fault on one. */
function checkMagic(path: string): void {
  const start = Buffer.alloc(MAGIC_AT + 4);
  let file: number;
  try {
    file = openSync(join(path, 'data.mdb'), 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  let length: number;
  try {
    length = readSync(file, start);
  } finally {
    closeSync(file);
  }
  const magic = endianness() === 'LE' ? start.readUInt32LE(MAGIC_AT) : start.readUInt32BE(MAGIC_AT);
  if (length > 0 && magic !== MAGIC) throw formatError(path, 'data.mdb is not an LMDB file');
}

/** Refuses a store of another layout, before anything is written to it; marks a new one. */
function checkFormat(root: RootDatabase<unknown, string>, path: string): void {
  // The root database's keys are the names of the others.
  const names = Array.from(root.getKeys({ limit: MAX_DATABASES }));
  if (names.length > 0 && !names.includes(META)) throw formatError(path, 'it was not made by Tidemark');
  const meta = root.openDB<number, string>(META, { encoding: 'json' });
  const found = root.transactionSync(() => {
    const stored = meta.get(FORMAT_KEY);
    if (stored === undefined) meta.putSync(FORMAT_KEY, FORMAT);
    return stored ?? FORMAT;
  });
  if (found !== FORMAT) throw formatError(path, `its format is ${found}; this version reads and writes ${FORMAT}`);
}

function formatError(path: string, what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM_LOG_FORMAT', `The store cannot be used: ${what}.`, {
    where: path,
    hint: 'Use another data directory, or the version of Tidemark that wrote this one.',
    cause,
  });
}

function directoryError(path: string, cause: unknown): TidemarkError {
  return new TidemarkError('TM_LOG_DIRECTORY', `The log's directory cannot be used: ${message(cause)}.`, {
    where: path,
    hint: 'Give a directory that this user may write to.',
    cause,
  });
}

function openError(path: string, cause: unknown): unknown {
  if (cause instanceof TidemarkError) return cause;
  if (/MDB_INVALID|MDB_VERSION_MISMATCH/.test(message(cause))) {
    return formatError(path, 'data.mdb is of another version of LMDB, or damaged', cause);
  }
  return isFull(cause) ? fullError(path, cause) : directoryError(path, cause);
}

/**
 * Runs `work` in one write transaction over all sub-databases: all of it is stored, durably, or nothing. It holds the one
 * write lock of all processes, so `work` is short and synchronous.
 * @throws TM_LOG_FULL, and whatever `work` throws
 */
export function transact<Result>(store: Store, work: () => Result): Result {
  let result: Result;
  try {
    result = store.root.transactionSync(work);
  } catch (cause) {
    if (cause instanceof TidemarkError || !isFull(cause)) throw cause;
    throw fullError(store.directory, cause);
  }
  for (const wake of store.committed) wake();
  return result;
}

/**
 * LMDB's "map full", the system's "no space left", "quota exceeded" and "file too large", and what LMDB makes of a write
 * that stored a part only, as one does that reaches the end of the disk: "input/output error".
 */
const FULL = /MDB_MAP_FULL|ENOSPC|EDQUOT|EFBIG|No space left|quota exceeded|File too large|Input\/output error/i;

function isFull(cause: unknown): boolean {
  return FULL.test(message(cause));
}

function fullError(path: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'TM_LOG_FULL',
    `The log cannot grow: ${message(cause)}. Nothing of the transaction was stored.`,
    {
      where: path,
      hint: 'Free space on its disk, or give topics a retention time; then try again.',
      cause,
    },
  );
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
