import { TidemarkError } from '../errors.ts';
import type { Alert } from './alert.ts';
import { lost, sendAlert, type Webhook, type WebhookParts } from './webhook.ts';

export interface OutgoingOptions extends WebhookParts {
  readonly webhook: Webhook;
  /** Told of what did not get through. */
  readonly onWarning: (warning: TidemarkError) => void;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly alert: Alert;
  readonly onSettled: () => void;
}

/** Alerts on their way to one webhook, one after another; nobody waits for them. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #waiting: Waiting[] = [];
  #sending: Promise<void> | null = null;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  get name(): Webhook['name'] {
    return this.#options.webhook.name;
  }

  /** @param onSettled called once it was taken or given up, and not when the signal comes before */
  add(alert: Alert, onSettled: () => void = () => {}): void {
    const { webhook, config, onWarning } = this.#options;
    const { maxWaiting } = config;
    this.#waiting.push({ alert, onSettled });
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift()?.onSettled();
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
    for (let next = this.#waiting.shift(); next !== undefined && !signal.aborted; next = this.#waiting.shift()) {
      try {
        await sendAlert(webhook, next.alert, this.#options, signal);
      } catch (error) {
        if (signal.aborted) break;
        // Whatever it is: alerts never end the process that they watch.
        onWarning(error instanceof TidemarkError ? error : lost(webhook, String(error)));
      }
      next.onSettled();
    }
    this.#sending = null;
  }
}
