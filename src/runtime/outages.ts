import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, TidemarkError } from '../errors.ts';

/** What passes by itself once a server is back. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TM_BROKER_UNREACHABLE',
  'TM_REGISTRY_UNREACHABLE',
  'TM_CLICKHOUSE_UNREACHABLE',
]);

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** How long a broker, a schema registry or a ClickHouse server may be away. */
export interface OutageBounds {
  /** Before a part has done anything. */
  readonly startTimeoutMs: number;
  /** After that, counted from the last thing that it did. */
  readonly recoveryTimeoutMs: number;
}

export interface OutageOptions {
  readonly bounds: OutageBounds;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Ends the wait for a server. */
  readonly signal: AbortSignal;
  /** Told once when an outage begins, with what failed, and with null once the part goes on. */
  readonly onOutage: (error: TidemarkError | null) => void;
}

function isOutage(error: unknown): error is TidemarkError {
  return error instanceof TidemarkError && OUTAGES.has(error.code);
}

/** Asks again while a server is away, for at most `timeoutMs`. Only for what may be done twice. */
export async function waitForServer<T>(timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!isOutage(error) || performance.now() - startedMs >= timeoutMs) throw error;
      await sleep(pauseMs);
    }
  }
}

/**
 * Runs a part of the pipeline, and runs it again from the start when it failed for want of a server: it opens where it had
 * committed, as a new process would, so nothing is lost and nothing counts twice. `run` tells each time that it has come
 * on; where it has not for as long as the bounds say, its failure is thrown.
 */
export async function throughOutages(run: (cameOn: () => void) => Promise<void>, options: OutageOptions) {
  const { bounds, now, signal, onOutage } = options;
  let timeoutMs = bounds.startTimeoutMs;
  let lastMs = now();
  let isAway = false;
  let pauseMs = FIRST_PAUSE_MS;
  const cameOn = (): void => {
    timeoutMs = bounds.recoveryTimeoutMs;
    lastMs = now();
    pauseMs = FIRST_PAUSE_MS;
    if (isAway) onOutage(null);
    isAway = false;
  };
  for (;;) {
    try {
      await run(cameOn);
      if (isAway) onOutage(null);
      return;
    } catch (error) {
      if (!isOutage(error) || signal.aborted || now() - lastMs >= timeoutMs) throw error;
      if (!isAway) onOutage(error);
      isAway = true;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw error;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}
