import { readFileSync } from 'node:fs';

/** Which process it is, for processes that see each other's pids: one machine, one container. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and tick at which the process started, where the system tells: the same pid later is another process. */
  readonly started: string | null;
}

/** A process that ended and that its parent has not asked about yet (a zombie) holds nothing. */
const ENDED = 'ended';

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) };
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ESRCH') return false;
    if (code !== 'EPERM') throw error;
  }
  const startedNow = startOf(pid);
  return started === null || startedNow === null || started === startedNow;
}

/** When a process started, by Linux's /proc (proc_pid_stat(5), field 22); null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the command in brackets, may hold spaces and brackets.
    const afterCommand = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (afterCommand[0] === 'Z' || afterCommand[0] === 'X') return ENDED;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${afterCommand[19]}`;
  } catch {
    return null;
  }
}
