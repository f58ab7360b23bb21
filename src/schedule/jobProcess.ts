import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { NOTHING_DONE, type RunCounts } from './runLedger.ts';

/** How a command ended. */
export interface Ended {
  readonly counts: RunCounts;
  /** Null when it succeeded. */
  readonly errorCode: string | null;
  readonly error: string | null;
}

export interface ProcessOptions {
  /** What starts `tidemark`: an executable and what goes before the command. */
  readonly executable: readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** How long a process that was asked to end may take before it is killed. */
  readonly graceMs: number;
  /** Most characters that are kept of what it prints. */
  readonly maxOutput: number;
  readonly signal: AbortSignal;
}

/** Runs a command of `tidemark` in a process of its own, to its end. It ends too when this process is killed: their channel breaks. */
export async function runProcess(command: readonly string[], options: ProcessOptions): Promise<Ended> {
  const { executable, timeoutMs, graceMs, maxOutput, signal } = options;
  const [program, ...before] = executable;
  const child = spawn(program, [...before, ...command, '--json'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-maxOutput);
    });
  }
  let stoppedBy: 'timeout' | 'signal' | null = null;
  let kill: NodeJS.Timeout | undefined;
  const stop = (by: 'timeout' | 'signal'): void => {
    stoppedBy ??= by;
    child.kill('SIGTERM');
    kill ??= setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  const onAbort = (): void => stop('signal');
  const timeout = setTimeout(() => stop('timeout'), timeoutMs);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    const counts = countsOf(output.stdout);
    if (stoppedBy === 'timeout') {
      return { counts, errorCode: 'TM_JOB_TIMEOUT', error: `it was stopped after ${timeoutMs / 1_000} s` };
    }
    if (status === 0) return { counts, errorCode: null, error: null };
    return { counts, ...failureOf(output.stderr, status === null ? 'a signal ended it' : `exit status ${status}`) };
  } finally {
    clearTimeout(timeout);
    clearTimeout(kill);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The counts of the last line that is a summary. */
function countsOf(stdout: string): RunCounts {
  const summary = lastObject(stdout, () => true);
  const number = (name: string): number => {
    const value = summary?.[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  if (summary === null) return NOTHING_DONE;
  return {
    rowsRead: number('rows'),
    rowsWritten: number('records'),
    skipped: number('skipped'),
    rejected: number('rejected'),
    bytes: number('bytes'),
  };
}

function failureOf(stderr: string, otherwise: string): Pick<Ended, 'errorCode' | 'error'> {
  const report = lastObject(stderr, ({ code }) => typeof code === 'string');
  if (report === null)
    return { errorCode: 'TM_JOB_FAILED', error: `${otherwise}: ${stderr.trim().split('\n').at(-1) ?? ''}` };
  return { errorCode: String(report.code), error: String(report.message ?? '') };
}

/** The last line that is a JSON object as it should be, or null. */
function lastObject(
  text: string,
  isWanted: (value: Readonly<Record<string, unknown>>) => boolean,
): Readonly<Record<string, unknown>> | null {
  for (const line of text.trimEnd().split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      const value = JSON.parse(line) as Readonly<Record<string, unknown>>;
      if (isWanted(value)) return value;
    } catch {
      // The beginning of what was printed is cut off: such a line is none.
    }
  }
  return null;
}
