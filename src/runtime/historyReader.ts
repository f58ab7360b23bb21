import type { Log, LogReader, ReadBounds, RecordChunk, TopicPartition } from '../log/log.ts';
import { firstAtOrAbove, partOf } from './chunkPart.ts';
import { type History, historyOffset } from './history.ts';

type StartPlace = TopicPartition & { readonly offset: number };

/** Reads partitions of an input as if the records of its history stood before them, at places below zero. */
export class HistoryReader implements LogReader {
  readonly #reader: LogReader;
  readonly #history: History;
  /** Partitions that were opened with their history, and of these those that are still in it: their input waits. */
  readonly #opened: readonly TopicPartition[];
  readonly #inHistory = new Set<number>();
  /** Paused from outside. */
  readonly #paused = new Set<number>();
  #places = new Float64Array(0);

  private constructor(reader: LogReader, history: History, opened: readonly TopicPartition[]) {
    this.#reader = reader;
    this.#history = history;
    this.#opened = opened;
    for (const place of opened) {
      this.#inHistory.add(place.partition);
      this.#applyPauses(place);
    }
  }

  /**
   * A reader of one topic. Of partitions that start at zero or above the history is not touched: it may be gone.
   * @throws what `Log.openReader` throws
   */
  static async open(log: Log, history: History, start: readonly StartPlace[]): Promise<LogReader> {
    const before = start.filter(({ offset }) => offset < 0);
    if (before.length === 0) return log.openReader(start);
    const inTopic = before.map(({ partition, offset }) => {
      return { topic: history.topic, partition, offset: historyOffset(history, partition, offset) };
    });
    const inInput = start.map((place) => ({ ...place, offset: Math.max(0, place.offset) }));
    return new HistoryReader(await log.openReader([...inInput, ...inTopic]), history, before);
  }

  async read(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null> {
    this.#leaveHistory();
    const chunk = await this.#reader.read(bounds, waitMs);
    // What the history ended with may have been markers, and no record.
    if (chunk === null) return this.#leaveHistory() ? this.read(bounds, waitMs) : null;
    if (chunk.topic !== this.#history.topic) return chunk;
    const below = firstAtOrAbove(chunk, 0, this.#endOf(chunk));
    return below === 0 ? this.read(bounds, waitMs) : this.#placed(partOf(chunk, 0, below));
  }

  position(place: TopicPartition): number {
    if (!this.#inHistory.has(place.partition)) return this.#reader.position(place);
    return Math.min(0, this.#reader.position(this.#inTopic(place)) - this.#endOf(place));
  }

  /** @throws TM_TOPIC_UNKNOWN for a place in a history that was not opened with its partition */
  seek(place: TopicPartition, offset: number): void {
    this.#reader.seek(place, Math.max(0, offset));
    if (offset < 0) {
      this.#reader.seek(this.#inTopic(place), offset + this.#endOf(place));
      this.#inHistory.add(place.partition);
    } else {
      this.#inHistory.delete(place.partition);
    }
    this.#applyPauses(place);
  }

  pause(place: TopicPartition): void {
    this.#paused.add(place.partition);
    this.#applyPauses(place);
  }

  resume(place: TopicPartition): void {
    this.#paused.delete(place.partition);
    this.#applyPauses(place);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  /** Goes on with the inputs whose history has been read; false where there are none. */
  #leaveHistory(): boolean {
    let hasLeft = false;
    for (const place of this.#opened) {
      if (!this.#inHistory.has(place.partition) || this.position(place) < 0) continue;
      this.#inHistory.delete(place.partition);
      this.#applyPauses(place);
      hasLeft = true;
    }
    return hasLeft;
  }

  #applyPauses(place: TopicPartition): void {
    const inHistory = this.#inHistory.has(place.partition);
    const isPaused = this.#paused.has(place.partition);
    this.#setPaused(place, isPaused || inHistory);
    if (this.#opened.some(({ partition }) => partition === place.partition)) {
      this.#setPaused(this.#inTopic(place), isPaused || !inHistory);
    }
  }

  #setPaused(place: TopicPartition, isPaused: boolean): void {
    if (isPaused) this.#reader.pause(place);
    else this.#reader.resume(place);
  }

  /** Records of the history, at their places. */
  #placed(records: RecordChunk): RecordChunk {
    const { topic } = this.#opened[0] as TopicPartition;
    const { count, partition } = records;
    const end = this.#endOf(records);
    if (this.#places.length < count) this.#places = new Float64Array(count);
    const offsets = this.#places.subarray(0, count);
    for (let i = 0; i < count; i++) offsets[i] = (records.offsets[i] as number) - end;
    return { ...records, topic, partition, offsets, nextOffset: Math.min(0, records.nextOffset - end) };
  }

  #inTopic({ partition }: TopicPartition): TopicPartition {
    return { topic: this.#history.topic, partition };
  }

  /** The offset after the last record of a partition's history. */
  #endOf({ partition }: TopicPartition): number {
    return historyOffset(this.#history, partition, 0);
  }
}
