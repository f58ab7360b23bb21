import type { LogReader, ReadBounds, RecordChunk, TopicPartition } from '../log/log.ts';
import { firstAtOrAbove, partOf } from './chunkPart.ts';

/** A reader of one topic that goes no further in a partition than a limit, which may rise. */
export class BoundedReader implements LogReader {
  readonly #reader: LogReader;
  readonly #places: readonly TopicPartition[];
  readonly #limitOf: (place: TopicPartition) => number;
  /** Paused from outside: a limit that rises does not resume them. */
  readonly #paused = new Set<number>();

  constructor(reader: LogReader, places: readonly TopicPartition[], limitOf: (place: TopicPartition) => number) {
    this.#reader = reader;
    this.#places = places;
    this.#limitOf = limitOf;
  }

  async read(bounds: ReadBounds, waitMs: number): Promise<RecordChunk | null> {
    for (const place of this.#places) {
      if (this.#paused.has(place.partition) || this.#reader.position(place) >= this.#limitOf(place))
        this.#reader.pause(place);
      else this.#reader.resume(place);
    }
    const chunk = await this.#reader.read(bounds, waitMs);
    if (chunk === null) return null;
    const limit = this.#limitOf(chunk);
    if (chunk.nextOffset <= limit) return chunk;
    this.#reader.seek(chunk, limit);
    const below = firstAtOrAbove(chunk, 0, limit);
    return below === 0 ? null : { ...partOf(chunk, 0, below), nextOffset: limit };
  }

  position(place: TopicPartition): number {
    return this.#reader.position(place);
  }

  seek(place: TopicPartition, offset: number): void {
    this.#reader.seek(place, offset);
  }

  pause(place: TopicPartition): void {
    this.#paused.add(place.partition);
  }

  resume(place: TopicPartition): void {
    this.#paused.delete(place.partition);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
