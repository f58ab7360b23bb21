import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../../errors.ts';
import { storedGeneration } from '../../query/bars.ts';
import { PUBLISHED_TOPICS } from '../../runtime/sinks.ts';
import { type ApiParts, TOPOLOGY } from '../parts.ts';
import { publishedTopic } from './publishedEvents.ts';
import { resultsTopic } from './resultEvents.ts';
import type { BarEvent, IsWanted, StreamTopic } from './streamTopic.ts';
import { Subscription } from './subscription.ts';
import { TopicFeed } from './topicFeed.ts';

/** How often the feed looks which generation is served. */
const LOOK_MS = 1_000;
/** Before anything is stored, what will be served first. */
const FIRST_GENERATION = 1;

/** The served generation, or the first one when none is yet. */
export async function generationOf({ clickhouse }: ApiParts): Promise<number> {
  return (await storedGeneration(clickhouse, TOPOLOGY)) ?? FIRST_GENERATION;
}

/** What live streams of a generation read, in the order of their places. */
export function streamTopics(parts: ApiParts, generation: number): readonly StreamTopic[] {
  return [resultsTopic(parts, generation), ...PUBLISHED_TOPICS.map((topic) => publishedTopic(parts, topic))];
}

/** A topic, and by partition the offset to begin at. */
export interface FeedStart {
  readonly topic: StreamTopic;
  readonly offsets: readonly number[];
}

/** Reads the results of one generation, and published bars, once for all readers, while there are any. */
export class Feed {
  readonly generation: number;
  /** Settles when it has stopped. */
  readonly done: Promise<void>;
  readonly #parts: ApiParts;
  readonly #feeds: readonly TopicFeed[];
  readonly #subscriptions = new Set<Subscription>();
  readonly #stopped = new AbortController();

  constructor(parts: ApiParts, generation: number, starts: readonly FeedStart[]) {
    this.#parts = parts;
    this.generation = generation;
    this.#feeds = starts.map((start) => {
      const onEvents = (events: readonly BarEvent[]): void => this.#handOver(start.topic, events);
      return new TopicFeed({ parts, ...start, signal: this.#stopped.signal, onEvents });
    });
    this.done = this.#run();
  }

  /** Begins at `places` of this moment, by topic and partition. */
  subscribe(isWanted: IsWanted): { subscription: Subscription; places: readonly (readonly number[])[] } {
    const subscription = new Subscription({
      maxEvents: this.#parts.config.maxStreamEvents,
      isWanted,
      onClose: (own) => {
        this.#subscriptions.delete(own);
      },
    });
    this.#subscriptions.add(subscription);
    return { subscription, places: this.#feeds.map(({ places }) => places) };
  }

  get isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  stop(reason: 'generation' | 'stopping' | 'failed'): void {
    this.#stopped.abort();
    for (const subscription of this.#subscriptions) subscription.end(reason);
    this.#subscriptions.clear();
  }

  #handOver(topic: StreamTopic, events: readonly BarEvent[]): void {
    for (const subscription of this.#subscriptions) subscription.add(topic, events);
  }

  async #run(): Promise<void> {
    const parts = [...this.#feeds.map((feed) => feed.run()), this.#watchGeneration()];
    await Promise.all(
      parts.map((part) =>
        part.catch((error: unknown) => {
          this.#parts.metrics.failed(error instanceof TidemarkError ? error.code : 'TM_INTERNAL');
          this.stop('failed');
        }),
      ),
    );
  }

  async #watchGeneration(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted && (await this.#servedGeneration()) !== this.generation) this.stop('generation');
    }
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

  /** The feed of a generation; one that is started begins at `starts`. */
  feedOf(generation: number, starts: readonly FeedStart[]): Feed {
    const current = this.#feed;
    if (current !== null && !current.isStopped && current.generation === generation) return current;
    current?.stop('generation');
    this.#feed = new Feed(this.#parts, generation, starts);
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
