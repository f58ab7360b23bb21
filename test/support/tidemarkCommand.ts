import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll } from 'vitest';

const EXECUTABLE = resolve(import.meta.dirname, '../../bin/tidemark.js');

/** A command that takes longer is killed, so that no test hangs and no process is left behind. */
const COMMAND_TIMEOUT_MS = 240_000;

const running = new Set<ChildProcess>();
/** A test that fails leaves no process behind. */
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

export interface CommandResult {
  /** Exit status, or null when a signal ended the process. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly result: Promise<CommandResult>;
  /** False once the process has ended. */
  running(): boolean;
  /** Asks the process to end, as Ctrl-C does. */
  stop(): void;
  /** Kills the process with SIGKILL: no handler runs, nothing is flushed. */
  killHard(): void;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Starts `tidemark …args` on the store in `dataDirectory`, in a process of its own. */
export function startTidemark(
  dataDirectory: string,
  args: readonly string[],
  { env = {}, timeoutMs = COMMAND_TIMEOUT_MS }: CommandOptions = {},
): RunningCommand {
  const child = spawn(process.execPath, [EXECUTABLE, ...args, '--data', dataDirectory], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const timeout = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const ended = (): void => {
    clearTimeout(timeout);
    running.delete(child);
  };
  return {
    result: collect(child).finally(ended),
    running: () => child.exitCode === null && child.signalCode === null,
    stop: () => {
      child.kill('SIGINT');
    },
    killHard: () => {
      child.kill('SIGKILL');
    },
  };
}

/** Runs `tidemark …args` to its end and gives its standard output. @throws Error unless it exits with 0. */
export async function tidemark(
  dataDirectory: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { status, signal, stdout, stderr } = await startTidemark(dataDirectory, args, options).result;
  if (status !== 0) {
    throw new Error(`tidemark ${args.join(' ')} ended with ${signal ?? status}\n${stderr}\n${stdout.slice(-2_000)}`);
  }
  return stdout;
}

function collect(child: ChildProcess): Promise<CommandResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes));
  return new Promise((settle, fail) => {
    child.on('error', fail);
    child.on('close', (status, signal) => {
      settle({
        status,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
  });
}
