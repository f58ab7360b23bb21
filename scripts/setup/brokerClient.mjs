// The native broker client, @confluentinc/kafka-javascript: optional, and where set-up goes wrong most easily. npm's
// own way would download a binary, else build one with libraries that it downloads too; here each try is bounded.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runBounded } from './command.mjs';

const PACKAGE = '@confluentinc/kafka-javascript';
const NODE_PRE_GYP = 'node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp';
/** What the build links against: Debian's names. */
const LIBRARIES = ['libssl-dev', 'libsasl2-dev', 'zlib1g-dev', 'libzstd-dev', 'libcurl4-openssl-dev'];
const BUILD_TOOLS = ['g++', 'make', 'python3'];

const PREBUILT_TIMEOUT_MS = 20_000;
const LIBRARIES_TIMEOUT_MS = 180_000;
/** It takes 65 to 80 s on two idle cores. */
const BUILD_TIMEOUT_MS = 360_000;
const LOAD_TIMEOUT_MS = 20_000;

/**
 * What this step works with.
 * @typedef {{
 *   root: string,
 *   env: NodeJS.ProcessEnv,
 *   outputFile: string,
 *   say: (line: string) => void,
 * }} Surroundings
 */

/**
 * Makes the broker client loadable: as it is, by the prebuilt binary, or by a build from source.
 * @param {Surroundings} at
 * @returns {Promise<string | undefined>} why it has to be left out; undefined: it loads
 */
export async function prepareBrokerClient(at) {
  const directory = join(at.root, 'node_modules', PACKAGE);
  if (!existsSync(directory)) return 'npm did not install it';
  if (await loads(at)) return undefined;

  at.say('broker client: looking for a prebuilt binary ...');
  const download = [NODE_PRE_GYP, 'install', '--directory', directory];
  await bounded(at, process.execPath, download, PREBUILT_TIMEOUT_MS);
  if (await loads(at)) return undefined;

  const missing = await prepareBuild(at);
  if (missing !== undefined) return missing;
  at.say('broker client: none to be had; building it from source (one to two minutes) ...');
  const build = ['rebuild', PACKAGE, '--build-from-source', '--foreground-scripts'];
  const { status, timedOut } = await bounded(at, 'npm', build, BUILD_TIMEOUT_MS, buildEnvironment(at.env));
  if (await loads(at)) return undefined;
  if (timedOut) return `its build was stopped after ${BUILD_TIMEOUT_MS / 1000} s; what it said is in ${at.outputFile}`;
  return `its build ${status === 0 ? 'made nothing that loads' : 'failed'}; what it said is in ${at.outputFile}`;
}

/**
 * @param {Surroundings} at
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} timeoutMs
 */
function bounded(at, command, args, timeoutMs, env = at.env) {
  return runBounded(command, args, { cwd: at.root, env, timeoutMs, outputFile: at.outputFile });
}

/**
 * Loading is the only proof: an optional package's failed install ends with status 0. In a process of its own, since a
 * bad binary can crash.
 * @param {Surroundings} at
 */
async function loads(at) {
  const { status } = await bounded(at, process.execPath, ['-e', `require('${PACKAGE}')`], LOAD_TIMEOUT_MS);
  return status === 0;
}

/**
 * Sees to the build's tools and libraries: installs the libraries where that is allowed and known how.
 * @param {Surroundings} at
 * @returns {Promise<string | undefined>} what to run so that a build can be tried; undefined: it can
 */
async function prepareBuild(at) {
  const missingTools = BUILD_TOOLS.filter((tool) => !isOnPath(tool, at.env));
  const hasApt = isOnPath('apt-get', at.env) && isOnPath('dpkg', at.env);
  const missingLibraries = hasApt ? LIBRARIES.filter((library) => !isInstalled(library)) : [];
  if (missingTools.length === 0 && missingLibraries.length === 0) return undefined;
  if (missingTools.length === 0 && process.getuid?.() === 0) {
    at.say(`broker client: installing ${missingLibraries.join(' ')} ...`);
    await installLibraries(at, missingLibraries);
    if (missingLibraries.every(isInstalled)) return undefined;
  }
  const missing = [...missingTools, ...missingLibraries].join(' ');
  if (!hasApt) return `there is no prebuilt binary for this machine, and building one needs ${missing}`;
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `building it needs: ${sudo}apt-get install -y ${missing} && make setup FORCE=1`;
}

/**
 * @param {Surroundings} at
 * @param {readonly string[]} libraries
 */
async function installLibraries(at, libraries) {
  const env = { ...at.env, DEBIAN_FRONTEND: 'noninteractive' };
  await bounded(at, 'apt-get', ['update', '-q'], LIBRARIES_TIMEOUT_MS, env);
  const install = ['install', '-y', '-q', '--no-install-recommends', ...libraries];
  await bounded(at, 'apt-get', install, LIBRARIES_TIMEOUT_MS, env);
}

/**
 * @param {string} library a Debian package
 */
function isInstalled(library) {
  // dpkg's own list: one file read instead of a process a package.
  const status = readFileSync('/var/lib/dpkg/status', 'utf8');
  const entry = status.split('\n\n').find((paragraph) => paragraph.startsWith(`Package: ${library}\n`));
  return entry?.includes('\nStatus: install ok installed\n') ?? false;
}

/**
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 */
function isOnPath(program, env) {
  return (env.PATH ?? '').split(':').some((directory) => directory !== '' && existsSync(join(directory, program)));
}

/**
 * The libraries of the system instead of downloaded ones, and no parallel make: its configure step would be overtaken.
 * Node's headers are taken from beside this Node where they are, which saves their download.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function buildEnvironment(env) {
  const { JOBS, MAKEFLAGS, MFLAGS, ...rest } = env;
  const nodeDirectory = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(nodeDirectory, 'include', 'node', 'node_version.h'));
  return { ...rest, CKJS_LINKING: 'dynamic', ...(hasHeaders ? { npm_config_nodedir: nodeDirectory } : {}) };
}
