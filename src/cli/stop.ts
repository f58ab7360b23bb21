import type { EventEmitter } from 'node:events';

const INTERRUPTED_STATUS = 130;
/** npm and make pass a terminal's Ctrl-C on to a process that has had it already: an echo is not a second Ctrl-C. */
const ECHO_MS = 300;

export interface StopOptions {
  /** The process, as the source of its signals. */
  readonly signals: EventEmitter;
  readonly now: () => number;
  readonly exit: (status: number) => void;
}

/**
 * A signal that is aborted by the first SIGINT, SIGTERM or SIGHUP, so that commands can commit and close, or when the process
 * that started this one with a channel to it has gone. A second one exits at once.
 */
export function stopOnSignals(stop: AbortController, { signals, now, exit }: StopOptions): void {
  let firstMs: number | null = null;
  const onSignal = (): void => {
    if (firstMs === null) {
      firstMs = now();
      stop.abort();
    } else if (now() - firstMs > ECHO_MS) {
      exit(INTERRUPTED_STATUS);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) signals.on(name, onSignal);
}
