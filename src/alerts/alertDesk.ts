import { type Alert, AlertBook, type Condition, type Trouble } from './alert.ts';
import type { AlertFile } from './alertFile.ts';
import type { Outgoing } from './outgoing.ts';

export interface AlertDeskOptions {
  readonly file: AlertFile;
  readonly repeatMs: number;
  /** Most open alerts that are remembered. */
  readonly maxRemembered: number;
  readonly outgoing: readonly Outgoing[];
}

interface Waiting {
  readonly webhook: string;
  readonly alert: Alert;
}

/**
 * Tells webhooks of trouble, and remembers over a restart what is open and what has not got through. An alert is written down before
 * it is sent, and struck out once it was taken or given up: a process that is killed in between sends it again.
 */
export class AlertDesk {
  readonly #options: AlertDeskOptions;
  readonly #book: AlertBook;
  #waiting: readonly Waiting[] = [];

  /** Sends what an earlier process had yet to send. */
  constructor(options: AlertDeskOptions) {
    const { file, repeatMs, outgoing } = options;
    this.#options = options;
    const { open, waiting } = file.read();
    this.#book = new AlertBook(repeatMs, open);
    // Of a webhook that is configured no more nothing is to be sent.
    this.#waiting = waiting.filter(({ webhook }) => outgoing.some((each) => each.name === webhook));
    this.#send(this.#waiting);
  }

  /** What is open. */
  get open(): readonly Trouble[] {
    return this.#book.open;
  }

  /** Tells what is to be told of the conditions of a look. */
  update(conditions: readonly Condition[], nowMs: number): void {
    const { outgoing } = this.#options;
    const alerts = this.#book.update(conditions, nowMs);
    if (alerts.length === 0) return;
    const added = alerts.flatMap((alert) => outgoing.map((each) => ({ webhook: each.name, alert })));
    this.#waiting = [...this.#waiting, ...added];
    this.#save();
    this.#send(added);
  }

  #send(waiting: readonly Waiting[]): void {
    for (const each of waiting) {
      const outgoing = this.#options.outgoing.find(({ name }) => name === each.webhook);
      outgoing?.add(each.alert, () => {
        this.#waiting = this.#waiting.filter((other) => other !== each);
        this.#save();
      });
    }
  }

  #save(): void {
    const { file, maxRemembered } = this.#options;
    file.write({ open: this.#book.open.slice(-maxRemembered), waiting: [...this.#waiting] });
  }
}
