import { createHash } from 'node:crypto';
import type { BatchOptions, Source, SourceBatch, SourcePart, SourceTarget } from '../source.ts';
import { QUOTES, TICKS, VenueRun, type VenueSourceOptions } from './venueRun.ts';

/**
 * A venue's trades and best quotes as they happen. Each symbol's trades come once and in the venue's order, over lost
 * connections, lost frames and restarts: the position of a symbol is its last trade, and what is missing after it is asked for. Quotes
 * have no position: a newer one stands for those that were missed.
 */
export class VenueSource implements Source {
  readonly targets: readonly SourceTarget[] = [TICKS, QUOTES];
  readonly parts: readonly SourcePart[];
  readonly #options: VenueSourceOptions;

  constructor(options: VenueSourceOptions) {
    const { venue, symbols } = options;
    this.#options = options;
    this.parts = symbols.map((symbol) => {
      const digest = createHash('sha256').update(symbol).digest('hex').slice(0, 32);
      return { id: `venue.${venue.name}.${digest}`, topic: TICKS.topic, label: `${venue.name} ${symbol}` };
    });
  }

  /** @throws TM_VENUE_REFUSED, TM_SOURCE_SYMBOL */
  async *batches(options: BatchOptions): AsyncGenerator<SourceBatch> {
    yield* new VenueRun(this.#options, options).batches();
  }

  /** What a venue has is of now. */
  async *preview(): AsyncGenerator<SourceBatch['outputs']> {}
}
