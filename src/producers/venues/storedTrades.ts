import { RowView } from '../../core/avro/rowView.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import type { Tick } from '../../schemas.generated.ts';
import { TICK } from '../schemas.ts';
import { chunksOf } from '../storedRecords.ts';

/** What is looked for in a topic. Times are epoch microseconds. */
export interface TradeStretch {
  readonly isWanted: (instrument: string) => boolean;
  readonly fromMicros: number;
  readonly untilMicros: number;
}

/** From the configuration. */
export interface StoredTradeBounds {
  /** Trades that are kept in memory. */
  readonly knownTrades: number;
  /** How far the clocks of a venue, of this machine and of the log may be apart. */
  readonly clockErrorMs: number;
}

/**
 * The trades that a topic has of a stretch of time, by their ids: what another recording or a run at the venue has brought
 * must not come twice. The topic itself is the record of that, read back when a source begins.
 */
export class StoredTrades {
  /** Where there is nothing to look at. */
  static readonly NONE = new StoredTrades(0);
  readonly #maxTrades: number;
  readonly #ids = new Map<string, Set<string>>();
  #trades = 0;

  private constructor(maxTrades: number) {
    this.#maxTrades = maxTrades;
  }

  /** Reads them back; of a topic that does not exist there are none. @throws TM_STATE_FULL */
  static async read(
    { log, registry }: { readonly log: Log; readonly registry: SchemaRegistry },
    topic: string,
    { isWanted, fromMicros, untilMicros }: TradeStretch,
    { knownTrades, clockErrorMs }: StoredTradeBounds,
    signal: AbortSignal,
  ): Promise<StoredTrades> {
    const stored = new StoredTrades(knownTrades);
    const existing = await log.listTopics();
    if (!existing.some((description) => description.topic === topic)) return stored;
    const errorMicros = clockErrorMs * MICROS_PER_MS;
    const decoder = new TopicDecoder(TICK, (id) => registry.schemaById(id));
    const view = new RowView<Tick>(TICK);
    for (const range of await log.ranges(topic)) {
      // A trade is not in the log before it has happened.
      const first = await log.offsetAtTime(range, Math.floor(fromMicros / MICROS_PER_MS) - clockErrorMs);
      if (first >= range.end) continue;
      for await (const chunk of chunksOf(log, { ...range, begin: first })) {
        if (signal.aborted) return stored;
        const { columns } = await decoder.decode(chunk);
        view.bind(columns);
        for (let row = 0; row < columns.length; row++) {
          const { eventTime } = view.at(row);
          if (eventTime < fromMicros - errorMicros || eventTime > untilMicros + errorMicros) continue;
          const { instrument, tradeId } = view.at(row);
          if (tradeId !== null && isWanted(instrument)) stored.#add(instrument, tradeId, topic);
        }
      }
    }
    return stored;
  }

  has(instrument: string, tradeId: string | null): boolean {
    return tradeId !== null && this.#ids.get(instrument)?.has(tradeId) === true;
  }

  #add(instrument: string, tradeId: string, topic: string): void {
    let ids = this.#ids.get(instrument);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(instrument, ids);
    }
    if (ids.has(tradeId)) return;
    if (++this.#trades > this.#maxTrades) {
      throw new TidemarkError(
        'TM_STATE_FULL',
        `more than ${this.#maxTrades} trades of the same time are to be compared`,
        {
          where: topic,
          hint: 'raise venues.knownTrades, or produce into a topic of its own',
        },
      );
    }
    ids.add(tradeId);
  }
}
