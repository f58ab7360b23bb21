// What set-up has done already, so that a second run has nothing to do. Kept in node_modules: it goes when that goes.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * For each step, what it was last done for; for the broker client also why it was left out, if it was.
 * @typedef {{
 *   packages?: string,
 *   build?: string,
 *   brokerClient?: { nodeAbi: string, leftOut: string | undefined },
 * }} Stamp
 */

/** @param {string} root */
function stampFile(root) {
  return join(root, 'node_modules', '.tidemark-setup.json');
}

/**
 * @param {string} root the checkout
 * @returns {Stamp}
 */
export function readStamp(root) {
  const file = stampFile(root);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/**
 * @param {string} root the checkout
 * @param {Stamp} stamp
 */
export function writeStamp(root, stamp) {
  writeFileSync(stampFile(root), JSON.stringify(stamp));
}

/**
 * A fingerprint of words and of the contents of files and folders.
 * @param {{ words?: readonly string[], paths: readonly string[] }} of
 */
export function fingerprint({ words = [], paths }) {
  const hash = createHash('sha256');
  for (const word of words) hash.update(`${word}\n`);
  for (const path of paths.flatMap(filesUnder)) hash.update(`${path}\n`).update(readFileSync(path)).update('\n');
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}
