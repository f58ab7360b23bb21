// What the machine must have, and where npm may keep its files on it.
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SetupProblem } from './problem.mjs';

const MINIMUM_NODE = /** @type {const} */ ([20, 19]);
/** The packages take 0.9 GB, and npm's cache a third of that; the rest is room to work. */
const MINIMUM_DISK_BYTES = 1.5e9;

/**
 * @param {string} version as in `process.versions.node`
 * @throws {SetupProblem} TM_SETUP_NODE where it is older than the code needs
 */
export function requireNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minimumMajor, minimumMinor] = MINIMUM_NODE;
  if (major > minimumMajor || (major === minimumMajor && minor >= minimumMinor)) return;
  const minimum = MINIMUM_NODE.join('.');
  throw new SetupProblem(
    'TM_SETUP_NODE',
    `Node.js ${version} is too old: Tidemark needs ${minimum} or newer.`,
    'Install a newer Node.js (https://nodejs.org, or your version manager) and run this again.',
  );
}

/**
 * @param {number} freeBytes on the disk that holds the checkout
 * @param {string} directory the checkout
 * @throws {SetupProblem} TM_SETUP_DISK where the packages would not fit
 */
export function requireDisk(freeBytes, directory) {
  if (freeBytes >= MINIMUM_DISK_BYTES) return;
  const gigabytes = (/** @type {number} */ bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new SetupProblem(
    'TM_SETUP_DISK',
    `Too little disk space: ${gigabytes(freeBytes)} free at ${directory}, ${gigabytes(MINIMUM_DISK_BYTES)} needed.`,
    'Free some space, or move the checkout to a larger disk, and run this again.',
  );
}

/**
 * Whether files can be written in a directory, which is made where it is missing.
 * @param {string} directory
 */
function isWritable(directory) {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Where npm keeps its cache: in the home directory, or, where that cannot be written (a read-only home, no home at all),
 * under the checkout.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root the checkout
 * @returns {{ directory: string, isOwn: boolean }}
 */
function npmCache(env, root) {
  const own = join(root, '.npm-cache');
  const { npm_config_cache: configured } = env;
  const usual = configured === undefined || configured === own ? join(homedir(), '.npm') : configured;
  const isOwn = !isWritable(usual);
  return { directory: isOwn ? own : usual, isOwn };
}

/**
 * The settings under which npm, and node-gyp with its own cache of headers, work here.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root the checkout
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment(env, root) {
  const { directory, isOwn } = npmCache(env, root);
  return {
    ...env,
    npm_config_cache: directory,
    ...(isOwn ? { npm_config_devdir: join(directory, 'node-gyp') } : {}),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
}

const NPMRC_HEADER = '# Written by `make setup`.';

/**
 * Writes the checkout's npm settings: no registry's addresses in the lock file; and the cache's place where it is under
 * the checkout, for `npx` refuses to run without a cache that it can write. A file of the user's own is left alone.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root the checkout
 */
export function writeNpmrc(env, root) {
  const file = join(root, '.npmrc');
  const present = existsSync(file) ? readFileSync(file, 'utf8') : NPMRC_HEADER;
  const cache = npmCache(env, root);
  const lines = [
    NPMRC_HEADER,
    'omit-lockfile-registry-resolved=true',
    ...(cache.isOwn ? [`cache=${cache.directory}`] : []),
  ];
  const wanted = `${lines.join('\n')}\n`;
  if (present.startsWith(NPMRC_HEADER) && present !== wanted) writeFileSync(file, wanted);
}
