import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The match, once standard output and error together have one; rejects when the process ends before. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
}

const running = new Set<Started>();

/** Kills what a failed test has left running, and waits for its end, so that its directory can be removed. */
export async function endAll(): Promise<void> {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(Array.from(running, ({ ended }) => ended));
}

/** Starts the command line from its sources, whatever was built, in a process of its own. */
export function start(args: readonly string[], { env = {}, stdin, cwd }: StartOptions = {}): Started {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), resolve(ROOT, 'src/cli.ts'), ...args],
    {
      env: { ...process.env, ...env },
      cwd: cwd ?? ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  child.stdin.end(stdin ?? '');
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const check of waiting) check();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const check of waiting) check();
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (status) => {
      running.delete(started);
      done({ status, stdout, stderr });
    });
  });
  const started: Started = {
    child,
    ended,
    shows(pattern) {
      return new Promise((done, fail) => {
        const check = (): void => {
          const match = pattern.exec(stdout + stderr);
          if (match === null) return;
          waiting.delete(check);
          done(match);
        };
        waiting.add(check);
        check();
        void ended.then(() => fail(new Error(`it ended without showing ${pattern}:\n${stdout}${stderr}`)));
      });
    },
  };
  running.add(started);
  return started;
}

export function run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}
