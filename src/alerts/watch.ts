import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { AlertDesk } from './alertDesk.ts';
import { AlertFile } from './alertFile.ts';
import { deadLetterCondition, StalledWatermarks } from './conditions.ts';
import { Outgoing } from './outgoing.ts';
import { type WebhookParts, webhooksOf } from './webhook.ts';

export interface AlertWatchOptions extends WebhookParts {
  readonly config: Config['alerts'];
  readonly openLog: () => Promise<Log>;
  /** Where it is remembered what is open. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onWarning: (warning: TidemarkError) => void;
}

/**
 * Looks at the log now and then, and tells webhooks of trouble, until the signal. It has a log of its own and holds nobody up;
 * what it fails in is a warning, and it looks again.
 */
export async function watchAlerts(options: AlertWatchOptions): Promise<void> {
  const { config, signal, now, wait, onWarning } = options;
  const outgoing = webhooksOf(config).map((webhook) => new Outgoing({ ...options, webhook }));
  const desk = new AlertDesk({ ...config, file: new AlertFile(options.file, onWarning), outgoing });
  const watermarks = new StalledWatermarks(config, desk.open);
  const source = new LogOnDemand(options.openLog);
  /** Told once of a log that is away, not at each look. */
  let isBlind = false;
  while (!signal.aborted) {
    try {
      const log = await source.get();
      const nowMs = now();
      const conditions = [await deadLetterCondition(log, config, nowMs), ...(await watermarks.look(log, nowMs))];
      desk.update(conditions, nowMs);
      isBlind = false;
    } catch (error) {
      await source.close();
      if (!isBlind) onWarning(blind(error));
      isBlind = true;
    }
    await wait(config.everyMs, signal);
  }
  await Promise.all(outgoing.map((each) => each.settled()));
  await source.close();
}

/** A log that is opened when it is needed, and again after it failed. */
class LogOnDemand {
  readonly #open: () => Promise<Log>;
  #log: Log | null = null;

  constructor(open: () => Promise<Log>) {
    this.#open = open;
  }

  async get(): Promise<Log> {
    this.#log ??= await this.#open();
    return this.#log;
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    // What closing a log that failed says is no news.
    await log?.close().catch(() => undefined);
  }
}

function blind(cause: unknown): TidemarkError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TidemarkError('TM_ALERT_FAILED', `alerts cannot look at the log: ${reason}`, {
    where: 'alerts',
    hint: 'They look again by themselves.',
    cause,
  });
}
