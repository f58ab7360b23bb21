import { generationTopic } from '../../core/output.ts';
import { TidemarkError } from '../../errors.ts';
import type { LogReader, PartitionRange } from '../../log/log.ts';
import { storedGeneration } from '../../query/bars.ts';
import { type ApiParts, TOPOLOGY } from '../parts.ts';
import { type BarEvent, BarEvents } from './barEvents.ts';
import { Subscription } from './subscription.ts';

const READ_BOUNDS = { maxRecords: 4_096, maxBytes: 1024 * 1024 };
/** How often the feed looks which generation is served, and for a topic that is not there yet. */
const LOOK_MS = 1_000;
/** Before anything is stored, what will be served first. */
const FIRST_GENERATION = 1;

/** The served generation, or the first one when none is yet. */
export async function generationOf({ clickhouse }: ApiParts): Promise<number> {
  return (await storedGeneration(clickhouse, TOPOLOGY)) ?? FIRST_GENERATION;
}

/** Ranges of a generation's results; none before its topic is made. */
export async function resultRanges({ log }: ApiParts, generation: number): Promise<readonly PartitionRange[]> {
  try {
    return await log.ranges(generationTopic(TOPOLOGY, generation));
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TM_TOPIC_UNKNOWN') return [];
    throw error;
  }
}

/** Reads the results of one generation once for all readers, while there are any. */
export class Feed {
  readonly generation: number;
  /** Settles when it has stopped. */
  readonly done: Promise<void>;
  readonly #parts: ApiParts;
  readonly #events: BarEvents;
  readonly #subscriptions = new Set<Subscription>();
  #reader: LogReader | null = null;
  /** Next offset of each partition: everything below was handed to those who had subscribed. */
  #offsets: number[] = [];
  #stopped = false;

  constructor(parts: ApiParts, generation: number, ranges: readonly PartitionRange[]) {
    this.#parts = parts;
    this.generation = generation;
    this.#events = new BarEvents(parts.registry);
    this.#offsets = ranges.map(({ end }) => end);
    this.done = this.#run();
  }

  /** Begins at `offsets` of this moment. */
  subscribe(isWanted: (event: BarEvent) => boolean): { subscription: Subscription; offsets: readonly number[] } {
    const subscription = new Subscription({
      maxEvents: this.#parts.config.maxStreamEvents,
      isWanted,
      onClose: (own) => {
        this.#subscriptions.delete(own);
      },
    });
    this.#subscriptions.add(subscription);
    return { subscription, offsets: [...this.#offsets] };
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  stop(reason: 'generation' | 'stopping' | 'failed'): void {
    this.#stopped = true;
    for (const subscription of this.#subscriptions) subscription.end(reason);
    this.#subscriptions.clear();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) await this.#round();
    } catch (error) {
      this.#parts.metrics.failed(error instanceof TidemarkError ? error.code : 'TM_INTERNAL');
      this.stop('failed');
    } finally {
      await this.#reader?.close();
    }
  }

  async #round(): Promise<void> {
    const until = this.#parts.now() + LOOK_MS;
    this.#reader ??= await this.#open();
    while (!this.#stopped && this.#reader !== null && this.#parts.now() < until) await this.#read(this.#reader);
    if (this.#reader === null) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (!this.#stopped && (await this.#servedGeneration()) !== this.generation) this.stop('generation');
  }

  async #read(reader: LogReader): Promise<void> {
    const chunk = await reader.read(READ_BOUNDS, LOOK_MS);
    if (chunk === null) return;
    const events = await this.#events.of(chunk);
    this.#offsets[chunk.partition] = chunk.nextOffset;
    for (const subscription of this.#subscriptions) subscription.add(events);
  }

  async #open(): Promise<LogReader | null> {
    const ranges = await resultRanges(this.#parts, this.generation);
    if (ranges.length === 0) return null;
    this.#offsets = ranges.map(({ begin }, partition) => this.#offsets[partition] ?? begin);
    return this.#parts.log.openReader(
      ranges.map(({ topic, partition }) => ({ topic, partition, offset: this.#offsets[partition] ?? 0 })),
    );
  }

  /** While ClickHouse does not answer, what was served is served on. */
  async #servedGeneration(): Promise<number> {
    try {
      return await generationOf(this.#parts);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TM_CLICKHOUSE_UNREACHABLE') throw error;
      this.#parts.metrics.failed(error.code);
      return this.generation;
    }
  }
}

/** The feed of the served generation, started for the first reader and stopped after the last. */
export class Feeds {
  readonly #parts: ApiParts;
  #feed: Feed | null = null;
  #readers = 0;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  get readers(): number {
    return this.#readers;
  }

  /** @throws TM_API_STREAMS when there are as many readers as may be; the caller lets go of what it took */
  take(): void {
    const { maxStreams } = this.#parts.config;
    if (this.#readers >= maxStreams) {
      throw new TidemarkError('TM_API_STREAMS', `${maxStreams} streams are open already`, { hint: 'Ask again later.' });
    }
    this.#readers++;
  }

  async letGo(): Promise<void> {
    this.#readers--;
    if (this.#readers === 0) await this.#stop('stopping');
  }

  /** The feed of a generation, whose ranges are those of this moment. */
  feedOf(generation: number, ranges: readonly PartitionRange[]): Feed {
    const current = this.#feed;
    if (current !== null && !current.isStopped && current.generation === generation) return current;
    current?.stop('generation');
    this.#feed = new Feed(this.#parts, generation, ranges);
    return this.#feed;
  }

  async close(): Promise<void> {
    await this.#stop('stopping');
  }

  async #stop(reason: 'stopping'): Promise<void> {
    const feed = this.#feed;
    this.#feed = null;
    feed?.stop(reason);
    await feed?.done;
  }
}
