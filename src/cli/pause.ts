import { setTimeout as sleep } from 'node:timers/promises';

/** A longer timer fires at once: the runtime keeps its length in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms`, or at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    let leftMs = ms;
    for (; leftMs > LONGEST_TIMER_MS; leftMs -= LONGEST_TIMER_MS) await sleep(LONGEST_TIMER_MS, undefined, { signal });
    await sleep(leftMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
