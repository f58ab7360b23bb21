import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
const FETCH_TIMEOUT_MS = 240_000;

/** Where what `fetchOnce` fetched by this name is. */
export function cached(name: string): string {
  return join(CACHE, name);
}

/**
 * Has Maven, which fetches from Maven Central, fill a directory of the cache, unless it is there. It appears whole: where
 * several test files ask at once, each fetches, and the first is kept.
 * @param goal Maven's arguments
 * @returns why it cannot be had here, or null
 */
export function fetchOnce(name: string, goal: (into: string) => readonly string[]): string | null {
  const directory = cached(name);
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
  } catch {
    return 'java does not run';
  }
  if (existsSync(directory)) return null;
  mkdirSync(CACHE, { recursive: true });
  const into = mkdtempSync(`${directory}-`);
  try {
    execFileSync('mvn', ['-q', '-B', ...goal(into)], { cwd: into, stdio: 'ignore', timeout: FETCH_TIMEOUT_MS });
    renameSync(into, directory);
    return null;
  } catch (error) {
    rmSync(into, { recursive: true });
    if (existsSync(directory)) return null;
    return `mvn cannot fetch ${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
