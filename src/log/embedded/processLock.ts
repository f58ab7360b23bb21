import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TidemarkError } from '../../errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './processIdentity.ts';

/** A lock that this process holds. The system frees it when the process ends, in whatever way. */
export interface ProcessLock {
  release(): void;
}

/** Another holder cannot take over more often than this while one call looks. */
const MAX_ATTEMPTS = 100;

/**
 * Takes the lock named by `path`, unless a living process (this one included) holds it; then gives that one's pid. It
 * never waits. For processes that see each other's pids: one machine, one container.
 *
 * The lock is the highest numbered of the files `<path>.<n>`, whose content names its holder. Whoever finds its holder
 * dead, or the file emptied (released), claims n + 1: an exclusive link lets one claimant through. The highest number is
 * never removed, so a claimant that looked too long ago finds a higher one than its own, and withdraws.
 * @throws TM_LOG_DIRECTORY
 */
export function acquireProcessLock(path: string): ProcessLock | { readonly heldBy: number } {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const draft = mkdtempSync(`${path}.claim-`);
    try {
      return claim(path, join(draft, 'holder'));
    } finally {
      rmSync(draft, { recursive: true });
    }
  } catch (cause) {
    if (cause instanceof TidemarkError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('TM_LOG_DIRECTORY', `The lock cannot be taken: ${reason}.`, {
      where: path,
      hint: 'Give a data directory that this user may write to.',
      cause,
    });
  }
}

function claim(path: string, draft: string): ProcessLock | { readonly heldBy: number } {
  writeFileSync(draft, JSON.stringify(ownIdentity()));
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const newest = Math.max(0, ...generations(path));
    const text = newest === 0 ? '' : readIfThere(`${path}.${newest}`);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (holder !== null && isAlive(holder)) return { heldBy: holder.pid };

    const own = newest + 1;
    const file = `${path}.${own}`;
    if (!linkIfFree(draft, file)) continue;
    const present = generations(path);
    if (Math.max(...present) > own) {
      rmSync(file);
      continue;
    }
    for (const older of present.filter((generation) => generation < own)) rmSync(`${path}.${older}`, { force: true });
    return { release: () => truncateSync(file) };
  }
  throw new TidemarkError('TM_LOG_DIRECTORY', `The lock changed hands ${MAX_ATTEMPTS} times while it was asked for.`, {
    where: path,
  });
}

function generations(path: string): number[] {
  const prefix = `${basename(path)}.`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

/** Null when the file is gone: a newer holder cleared it away. */
function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function linkIfFree(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Null for a released lock, and for one that a power cut left damaged: its holder is gone too. */
function parseHolder(text: string): ProcessIdentity | null {
  try {
    const { pid, started } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? { pid, started: typeof started === 'string' ? started : null } : null;
  } catch {
    return null;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
