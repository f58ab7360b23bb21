import { TidemarkError } from '../errors.ts';
import type { Alert } from './alert.ts';
import { lost, sendAlert, type Webhook, type WebhookParts } from './webhook.ts';

export interface OutgoingOptions extends WebhookParts {
  readonly webhook: Webhook;
  /** Told of what did not get through. */
  readonly onWarning: (warning: TidemarkError) => void;
  readonly signal: AbortSignal;
}

/** Alerts on their way to one webhook, one after another; nobody waits for them. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #waiting: Alert[] = [];
  #sending: Promise<void> | null = null;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  add(alert: Alert): void {
    const { webhook, config, onWarning } = this.#options;
    const { maxWaiting } = config;
    this.#waiting.push(alert);
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift();
      onWarning(lost(webhook, `more than ${maxWaiting} wait (alerts.maxWaiting), and the oldest was dropped`));
    }
    this.#sending ??= this.#send();
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    const { webhook, signal, onWarning } = this.#options;
    for (let alert = this.#waiting.shift(); alert !== undefined && !signal.aborted; alert = this.#waiting.shift()) {
      try {
        await sendAlert(webhook, alert, this.#options, signal);
      } catch (error) {
        // Whatever it is: alerts never end the process that they watch.
        if (!signal.aborted) onWarning(error instanceof TidemarkError ? error : lost(webhook, String(error)));
      }
    }
    this.#sending = null;
  }
}
