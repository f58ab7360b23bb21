import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../../errors.ts';
import type { LogReader, RecordChunk } from '../../log/log.ts';
import { rangesIfAny } from '../../log/rangesIfAny.ts';
import type { ApiParts } from '../parts.ts';
import { type BarEvent, type StreamTopic, storedOffsets } from './streamTopic.ts';

const READ_BOUNDS = { maxRecords: 4_096, maxBytes: 1024 * 1024 };
/** How often it looks for a topic that is not there yet, and for ClickHouse while that is away. */
const LOOK_MS = 1_000;
/** How often it looks whether ClickHouse holds what was read. */
const STORED_LOOK_MS = 100;

export interface TopicFeedOptions {
  readonly parts: ApiParts;
  readonly topic: StreamTopic;
  /** By partition, the first offset to be read; a topic that is not there yet is read from its begin. */
  readonly offsets: readonly number[];
  readonly signal: AbortSignal;
  readonly onEvents: (events: readonly BarEvent[]) => void;
}

/** Reads one topic for all readers of live streams. */
export class TopicFeed {
  readonly #options: TopicFeedOptions;
  #offsets: number[];
  #reader: LogReader | null = null;

  constructor(options: TopicFeedOptions) {
    this.#options = options;
    this.#offsets = [...options.offsets];
  }

  /** By partition the next place: all events below were handed over. */
  get places(): number[] {
    return this.#offsets.map((offset) => offset * this.#options.topic.steps);
  }

  /** Reads until the signal. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    try {
      while (!signal.aborted) {
        this.#reader ??= await this.#open();
        if (this.#reader === null) await this.#pause(LOOK_MS);
        else await this.#read(this.#reader);
      }
    } finally {
      await this.#reader?.close();
    }
  }

  async #open(): Promise<LogReader | null> {
    const { parts, topic } = this.#options;
    const ranges = await rangesIfAny(parts.log, topic.topic);
    if (ranges.length === 0) return null;
    this.#offsets = ranges.map(({ begin }, partition) => this.#offsets[partition] ?? begin);
    return parts.log.openReader(
      ranges.map((range, i) => ({ topic: range.topic, partition: range.partition, offset: this.#offsets[i] ?? 0 })),
    );
  }

  async #read(reader: LogReader): Promise<void> {
    const { topic, onEvents } = this.#options;
    const chunk = await reader.read(READ_BOUNDS, LOOK_MS);
    if (chunk === null) return;
    const events = topic.followsSink ? await this.#storedEvents(chunk) : await topic.liveEvents(chunk);
    if (events === null) return;
    // At once: whoever subscribes gets the events, or begins after them.
    this.#offsets[chunk.partition] = chunk.nextOffset;
    onEvents(events);
  }

  /** The events of what ClickHouse holds, once it holds it; null when it is stopped before. */
  async #storedEvents(chunk: RecordChunk): Promise<readonly BarEvent[] | null> {
    const { topic, parts, signal } = this.#options;
    while (!signal.aborted) {
      const ranges = await rangesIfAny(parts.log, topic.topic);
      const stored = await storedOffsets(parts.log, topic, ranges);
      const isStored = (stored[chunk.partition] ?? 0) >= chunk.nextOffset;
      const events = isStored ? await this.#orAway(() => topic.liveEvents(chunk)) : null;
      if (events !== null) return events;
      await this.#pause(isStored ? LOOK_MS : STORED_LOOK_MS);
    }
    return null;
  }

  /** Null while ClickHouse does not answer. */
  async #orAway<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TM_CLICKHOUSE_UNREACHABLE') throw error;
      this.#options.parts.metrics.failed(error.code);
      return null;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }
}
