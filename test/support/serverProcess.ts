import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const STOP_TIMEOUT_MS = 20_000;

/**
 * Starts a server, and waits until it is ready.
 * @throws Error when it ends, or is not ready in time; it is ended then
 */
export async function startServer(
  command: string,
  args: readonly string[],
  { isReady, timeoutMs, cwd }: { isReady: () => Promise<boolean>; timeoutMs: number; cwd?: string },
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: 'ignore', ...(cwd === undefined ? {} : { cwd }) });
  const deadline = performance.now() + timeoutMs;
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${command} ended with status ${child.exitCode}`);
    if (performance.now() > deadline) {
      await endServer(child);
      throw new Error(`${command} is not ready after ${timeoutMs} ms`);
    }
    await sleep(POLL_MS);
  }
  return child;
}

export async function endServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
