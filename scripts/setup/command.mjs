import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a command that was told to stop may take before it is killed. */
const STOP_GRACE_MS = 3_000;

/**
 * @typedef {{ status: number | null, timedOut: boolean }} CommandResult
 * `status` is null where the command was stopped or could not be started.
 */

/**
 * The processes below `pid`. They are not put in a group of their own (Ctrl-C must reach them), so that they are
 * looked up when they have to be stopped. Linux tells them; elsewhere only the command itself is known.
 * @param {number} pid
 * @returns {number[]}
 */
function descendants(pid) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const entry of processEntries()) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry.pid]);
    else siblings.push(entry.pid);
  }
  const found = [...(children.get(pid) ?? [])];
  for (const child of found) found.push(...(children.get(child) ?? []));
  return found;
}

/** @returns {{ pid: number, parent: number }[]} */
function processEntries() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The name, in parentheses, may hold anything: what follows it is "state parent ...".
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [{ pid: Number(name), parent }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/**
 * @param {readonly number[]} pids
 * @param {NodeJS.Signals} signal
 */
function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // it ended meanwhile
    }
  }
}

/**
 * Stops a process and all below it: first politely, then for certain.
 * @param {number | undefined} pid undefined: it never started
 */
async function stopTree(pid) {
  if (pid === undefined) return;
  const pids = [pid, ...descendants(pid)];
  signalAll(pids, 'SIGTERM');
  await delay(STOP_GRACE_MS);
  signalAll(pids, 'SIGKILL');
}

/**
 * Runs a command without standard input, its output into a file, for at most `timeoutMs`; then it is stopped with all
 * that it started.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, timeoutMs: number, outputFile: string }} options
 * @returns {Promise<CommandResult>}
 */
export async function runBounded(command, args, { cwd, env, timeoutMs, outputFile }) {
  const output = openSync(outputFile, 'a');
  writeSync(output, `$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output] });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      writeSync(output, `${error.message}\n`);
      resolve(null);
    });
    child.once('exit', resolve);
  });
  const clock = new AbortController();
  const outOfTime = delay(timeoutMs, 'out of time', { signal: clock.signal }).catch(() => 'ended');
  try {
    const first = await Promise.race([ended, outOfTime]);
    if (first !== 'out of time') return { status: first, timedOut: false };
    await stopTree(child.pid);
    return { status: null, timedOut: true };
  } finally {
    clock.abort();
    closeSync(output);
  }
}
