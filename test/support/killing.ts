import type { RunningCommand } from './tidemarkCommand.ts';

/** How often the position is looked at while a command runs. */
const POLL_MS = 2;

/** After the position has reached the chosen place, the kill waits up to this long, to fall anywhere within a commit. */
const MOST_DELAY_MS = 10;

/** Attempts for one kill: one that fell before the first commit or after the last does not count and is repeated. */
const MOST_ATTEMPTS = 5;

/** A number that rises with every commit of the command under test, such as the sum of a group's offsets. */
export type Progress = () => Promise<number>;

export interface Killing {
  readonly progress: Progress;
  /** The progress of a command that ran to its end. */
  readonly end: number;
  readonly start: () => RunningCommand;
  readonly kills: number;
  readonly random: () => number;
}

export interface Kill {
  /** Progress when the command started, and after it was killed: before < after < end. */
  readonly before: number;
  readonly after: number;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Starts a command and kills it with SIGKILL at a random moment, over and over, each kill shown to fall between two
 * commits: the command had committed something, and had something left to commit.
 * @throws Error when a kill cannot be placed so within a few attempts.
 */
export async function killRepeatedly(killing: Killing): Promise<Kill[]> {
  const done: Kill[] = [];
  for (let left = killing.kills; left > 0; left--) done.push(await killBetweenCommits(killing, left));
  return done;
}

async function killBetweenCommits(killing: Killing, killsLeft: number): Promise<Kill> {
  const { progress, end, random } = killing;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const before = await progress();
    // On average the kills that are left share what is left evenly, and one share remains for the run to the end.
    const target = before + random() * 2 * ((end - before) / (killsLeft + 2));
    const delayMs = random() * MOST_DELAY_MS;
    const command = killing.start();
    while (command.running() && (await progress()) <= target) await pause(POLL_MS);
    await pause(delayMs);
    const killed = command.running();
    command.killHard();
    const { signal, stderr, status } = await command.result;
    if (!killed && status !== 0) throw new Error(`the command failed by itself with ${status}:\n${stderr}`);
    const after = await progress();
    if (killed && signal === 'SIGKILL' && after > before && after < end) return { before, after };
  }
  throw new Error(`no kill fell between two commits in ${MOST_ATTEMPTS} attempts, with ${killsLeft} kills to go`);
}

export interface Undisturbed {
  /** How many different positions were seen while it ran: it committed at least so often. */
  readonly commits: number;
  /** The progress at its end. */
  readonly end: number;
}

/** Runs a command to its end, watching one or more kinds of commits. */
export async function watchCommits(progresses: readonly Progress[], command: RunningCommand): Promise<Undisturbed[]> {
  const seen = progresses.map(() => new Set<number>());
  const look = async () => {
    for (const [index, progress] of progresses.entries()) seen[index]?.add(await progress());
  };
  while (command.running()) {
    await look();
    await pause(POLL_MS);
  }
  const { status, stderr } = await command.result;
  if (status !== 0) throw new Error(`the command ended with ${status}:\n${stderr}`);
  await look();
  // What was there before the command had committed anything is no commit of its own.
  return seen.map((places) => ({ commits: places.size - 1, end: Math.max(...places) }));
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
