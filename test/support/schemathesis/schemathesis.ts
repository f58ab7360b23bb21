import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL('../../../node_modules/.cache/schemathesis', import.meta.url));
/** A copy of the requirements that were installed. */
const INSTALLED = join(ENVIRONMENT, 'requirements.txt');
const INSTALL_TIMEOUT_MS = 240_000;

/** Schemathesis' command, once it is made ready. */
export const SCHEMATHESIS = join(ENVIRONMENT, 'bin', 'schemathesis');

/**
 * Makes Schemathesis ready in a Python environment of its own; the first time it comes from the package index.
 * @returns why it cannot be had here, or null
 */
export function prepareSchemathesis(): string | null {
  if (existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === readFileSync(REQUIREMENTS, 'utf8')) return null;
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  const pip = [join(ENVIRONMENT, 'bin', 'pip'), 'install', '--quiet', '--only-binary', ':all:', '-r', REQUIREMENTS];
  for (const [command = '', ...args] of [['python3', '-m', 'venv', ENVIRONMENT], pip]) {
    try {
      execFileSync(command, args, { stdio: 'pipe', timeout: INSTALL_TIMEOUT_MS });
    } catch (error) {
      // Its last line: what was wrong, after the command and all that it said before.
      return String(error instanceof Error ? error.message.trim().split('\n').at(-1) : error);
    }
  }
  writeFileSync(INSTALLED, readFileSync(REQUIREMENTS));
  return null;
}
