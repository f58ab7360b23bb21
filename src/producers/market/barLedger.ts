import { RowView } from '../../core/avro/rowView.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { TidemarkError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import type { SourceBar } from '../../schemas.generated.ts';
import { SOURCE_BAR } from '../schemas.ts';
import { chunksOf } from '../storedRecords.ts';
import type { PublishedBar } from './response.ts';

/** What a source can say of a bar, and change. */
const VALUES = [
  'open',
  'high',
  'low',
  'close',
  'volume',
  'currency',
  'adjustedClose',
  'dividend',
  'splitFactor',
  'capitalGain',
] as const;

type KnownBar = Pick<SourceBar, (typeof VALUES)[number] | 'provisional' | 'suspect' | 'revision'>;
type SentBar = Omit<PublishedBar, 'suspect'> & Pick<SourceBar, 'suspect'>;

/** A bar that is to be written, with its revision. */
export type RevisedBar = SentBar & Pick<SourceBar, 'revision'>;

/**
 * What was last published of each bar of some instruments. The topic itself is the record of it, read back when a producer
 * starts: what a transaction committed is all there or not at all, so that a killed producer finds what it had published.
 */
export class BarLedger {
  readonly #maxBars: number;
  /** By series, then by the bar's start. */
  readonly #series = new Map<string, Map<number, KnownBar>>();
  #bars = 0;

  constructor(maxBars: number) {
    this.#maxBars = maxBars;
  }

  /** Reads back the bars of some instruments from topics, of which there need not be all. @throws TM_STATE_FULL */
  static async read(
    log: Log,
    registry: SchemaRegistry,
    topics: readonly string[],
    instruments: readonly string[],
    maxBars: number,
  ): Promise<BarLedger> {
    const ledger = new BarLedger(maxBars);
    // Who asks for quotes alone may have no topic of bars.
    if (instruments.length === 0) return ledger;
    const existing = new Set((await log.listTopics()).map(({ topic }) => topic));
    for (const topic of topics) if (existing.has(topic)) await ledger.#read(log, registry, topic, instruments);
    return ledger;
  }

  async #read(log: Log, registry: SchemaRegistry, topic: string, instruments: readonly string[]): Promise<void> {
    const wanted = new Set(instruments);
    const ranges = await log.ranges(topic);
    const holding = new Set(instruments.map((instrument) => keyPartition(instrument, ranges.length)));
    const decoder = new TopicDecoder(SOURCE_BAR, (id) => registry.schemaById(id));
    const view = new RowView<SourceBar>(SOURCE_BAR);
    for (const range of ranges) {
      if (!holding.has(range.partition)) continue;
      for await (const chunk of chunksOf(log, range)) {
        const { columns } = await decoder.decode(chunk);
        view.bind(columns);
        for (let row = 0; row < columns.length; row++) {
          const bar = view.at(row);
          if (!wanted.has(bar.instrument)) continue;
          if (bar.revision >= (this.#known(bar)?.revision ?? 0)) this.#keep(bar, bar.revision);
        }
      }
    }
  }

  /**
   * The bar as it is to be written, or null when it says nothing new. What an answer does not give of a bar stays as it was
   * published; a provisional bar does not revise one that is settled; that a bar is settled is new.
   * @throws TM_STATE_FULL
   */
  revise(bar: PublishedBar): RevisedBar | null {
    const known = this.#known(bar);
    if (known === undefined) {
      this.#keep(bar, 0);
      return { ...bar, revision: 0 };
    }
    if (bar.provisional && !known.provisional) return null;
    const revised = merged(bar, known);
    const isSame = VALUES.every((name) => revised[name] === known[name]) && revised.suspect === known.suspect;
    if (isSame && bar.provisional === known.provisional) return null;
    const revision = known.revision + 1;
    this.#keep(revised, revision);
    return { ...revised, revision };
  }

  #known(bar: SentBar): KnownBar | undefined {
    return this.#series.get(seriesKey(bar))?.get(bar.eventTime);
  }

  #keep(bar: SentBar, revision: number): void {
    const key = seriesKey(bar);
    const series = this.#series.get(key) ?? new Map<number, KnownBar>();
    this.#series.set(key, series);
    if (!series.has(bar.eventTime) && ++this.#bars > this.#maxBars) {
      throw new TidemarkError('TM_STATE_FULL', `more than ${this.#maxBars} published bars are to be compared`, {
        hint: 'produce fewer symbols in a command, or raise requests.maxKnownBars',
      });
    }
    const { open, high, low, close, volume, currency, adjustedClose, provisional, suspect } = bar;
    const { dividend, splitFactor, capitalGain } = bar;
    const values = { open, high, low, close, volume, currency, adjustedClose, dividend, splitFactor, capitalGain };
    series.set(bar.eventTime, { ...values, provisional, suspect, revision });
  }
}

/** Adjusted bars are others than unadjusted ones. */
function seriesKey({ instrument, interval, adjusted }: Pick<SentBar, 'instrument' | 'interval' | 'adjusted'>): string {
  return JSON.stringify([instrument, interval, adjusted]);
}

function merged(bar: PublishedBar, known: KnownBar): SentBar {
  return {
    ...bar,
    open: bar.open ?? known.open,
    high: bar.high ?? known.high,
    low: bar.low ?? known.low,
    close: bar.close ?? known.close,
    volume: bar.volume ?? known.volume,
    currency: bar.currency ?? known.currency,
    adjustedClose: bar.adjustedClose ?? known.adjustedClose,
    dividend: bar.dividend ?? known.dividend,
    splitFactor: bar.splitFactor ?? known.splitFactor,
    capitalGain: bar.capitalGain ?? known.capitalGain,
  };
}

function keyPartition(key: string, partitions: number): number {
  const bytes = Buffer.from(key, 'utf8');
  return partitionOf(bytes, 0, bytes.length, partitions);
}
