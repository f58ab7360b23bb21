// Makes a checkout ready to run: packages, the build, the `tidemark` command, and the native broker client where it can
// be had. A step is done again only when what it depends on has changed; `--force` does all of them again.
// Needs nothing but Node and npm: it runs before any package is there.
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareBrokerClient } from './setup/brokerClient.mjs';
import { runBounded } from './setup/command.mjs';
import { npmEnvironment, requireDisk, requireNode, writeNpmrc } from './setup/machine.mjs';
import { SetupProblem } from './setup/problem.mjs';
import { fingerprint, readStamp, writeStamp } from './setup/stamp.mjs';

/** With slow lines in mind: 300 MB come in. */
const INSTALL_TIMEOUT_MS = 20 * 60_000;
const BUILD_TIMEOUT_MS = 120_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What the commands said: read only when one of them failed. */
const outputFile = join(root, 'setup.log');
const env = npmEnvironment(process.env, root);

/** @param {string} line */
function say(line) {
  console.error(`setup: ${line}`);
}

/**
 * Runs a step that set-up cannot do without.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, problem: (said: string) => SetupProblem }} options
 */
async function must(command, args, { timeoutMs, problem }) {
  writeFileSync(outputFile, '');
  const { status, timedOut } = await runBounded(command, args, { cwd: root, env, timeoutMs, outputFile });
  if (status === 0) return;
  const said = readFileSync(outputFile, 'utf8').trim();
  throw problem(timedOut ? `${said}\n(stopped after ${timeoutMs / 1000} s)` : said);
}

/** @param {string} said */
function packagesProblem(said) {
  return new SetupProblem(
    'TM_SETUP_PACKAGES',
    `npm could not install the packages:\n${said}`,
    "Check that npm's registry can be reached (npm ping), and run this again.",
  );
}

/** @param {string} said */
function buildProblem(said) {
  return new SetupProblem(
    'TM_SETUP_BUILD',
    `The sources do not compile:\n${said}`,
    'Correct them, and run this again.',
  );
}

/** The packages of the lock file, without their install scripts: those that count ship their binaries. */
async function installPackages() {
  const { bavail, bsize } = statfsSync(root);
  requireDisk(bavail * bsize, root);
  say('installing the packages (0.9 GB on disk, about a minute) ...');
  await must('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
    timeoutMs: INSTALL_TIMEOUT_MS,
    problem: packagesProblem,
  });
}

async function build() {
  say('building ...');
  await must('npm', ['run', '--silent', 'build'], { timeoutMs: BUILD_TIMEOUT_MS, problem: buildProblem });
}

/** What `npx --no-install tidemark` looks for. npm links the commands of dependencies, not the package's own. */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'tidemark');
  if (existsSync(link)) return;
  rmSync(link, { force: true });
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  symlinkSync('../../bin/tidemark.js', link);
}

async function setup() {
  const startedMs = performance.now();
  requireNode(process.versions.node);
  writeNpmrc(process.env, root);
  const stamp = process.argv.includes('--force') ? {} : readStamp(root);

  const packages = fingerprint({ words: [process.platform, process.arch], paths: [join(root, 'package-lock.json')] });
  if (stamp.packages !== packages) {
    await installPackages();
    stamp.packages = packages;
    delete stamp.brokerClient;
    writeStamp(root, stamp);
  }

  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json'].map((path) => join(root, path));
  const built = fingerprint({ words: [packages], paths: sources });
  if (stamp.build !== built || !existsSync(join(root, 'dist', 'cli.js'))) {
    await build();
    stamp.build = built;
    writeStamp(root, stamp);
  }
  linkCommand();

  const nodeAbi = process.versions.modules;
  if (stamp.brokerClient?.nodeAbi !== nodeAbi) {
    stamp.brokerClient = { nodeAbi, leftOut: await prepareBrokerClient({ root, env, outputFile, say }) };
    writeStamp(root, stamp);
  }
  const { leftOut } = stamp.brokerClient;
  if (leftOut !== undefined) say(`left out: the native broker client (the embedded log works without): ${leftOut}`);
  say(`ready (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

try {
  await setup();
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint}`);
  process.exitCode = 1;
}
