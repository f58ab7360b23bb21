import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireProcessLock, type ProcessLock } from '../log/embedded/processLock.ts';

const POLL_MS = 200;

export interface LeaseWait {
  readonly directory: string;
  /** What is leased: one process at a time does it for a data directory. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Told once, when another process has the lease. */
  readonly onHeld: (pid: number) => void;
  /** Asked now and then while waiting; true ends the wait. */
  readonly giveUp: () => Promise<boolean>;
}

/** Waits until this process holds the lease; null when the wait was given up or aborted. */
export async function takeLease({ directory, name, signal, onHeld, giveUp }: LeaseWait): Promise<ProcessLock | null> {
  const path = join(directory, 'locks', name);
  let told = false;
  for (;;) {
    const lock = acquireProcessLock(path);
    if ('release' in lock) return lock;
    if (!told) onHeld(lock.heldBy);
    told = true;
    if (signal.aborted || (await giveUp())) return null;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The process that holds a lease now; null when none does. */
export function leaseHolder(directory: string, name: string): number | null {
  const lock = acquireProcessLock(join(directory, 'locks', name));
  if ('heldBy' in lock) return lock.heldBy;
  lock.release();
  return null;
}
