import { TidemarkError } from '../../errors.ts';
import type { Venue, VenueEvent } from './venue.ts';

export interface HeardOptions {
  readonly venue: Pick<Venue, 'name'>;
  readonly url: string;
  /** From the configuration. */
  readonly quietMs: number;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onWarning: (error: TidemarkError) => void;
}

/**
 * The symbols that a venue has said something of. Some venues take a subscription without a word, also one to a symbol that they do not
 * have: that shows by nothing but that nothing comes.
 */
export class HeardSymbols {
  readonly #unheard: Set<string>;

  constructor(symbols: readonly string[]) {
    this.#unheard = new Set(symbols);
  }

  hear(event: VenueEvent): void {
    if (this.#unheard.size === 0) return;
    if (event.kind === 'trade' || event.kind === 'quote') this.#unheard.delete(event.symbol);
    else if (event.kind === 'subscribed') for (const symbol of event.symbols) this.#unheard.delete(symbol);
    else if (event.kind === 'heartbeat' && event.symbol !== null) this.#unheard.delete(event.symbol);
  }

  /** Warns, some time after they were asked for, of those that nothing has come of. */
  async watch({ venue, url, quietMs, wait, onWarning }: HeardOptions, signal: AbortSignal): Promise<void> {
    await wait(quietMs, signal);
    if (signal.aborted || this.#unheard.size === 0) return;
    const message = `${venue.name} has said nothing of ${[...this.#unheard].join(', ')} for ${quietMs} ms`;
    const hint = 'nothing happens there, or the venue has no such symbol and does not say so: write symbols as it does';
    onWarning(new TidemarkError('TM_VENUE_QUIET', message, { where: url, hint }));
  }
}
