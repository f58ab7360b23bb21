import { textAt } from '../core/columnAccess.ts';
import type { Column, Columns, NumberColumn } from '../core/columns.ts';
import type { PartitionRange, RecordChunk, TopicPartition } from '../log/log.ts';
import { chunkRows } from '../topology/chunkRows.ts';
import { type Chunk, NO_WATERMARK } from '../topology/elements.ts';
import { InputMerge, type MergeBounds, type Merged, type SavedMerge } from '../topology/inputs/merge.ts';
import { IDLE, ROW } from '../topology/stages/carried.ts';
import { endOf } from './activity.ts';
import { MOST_MERGED } from './mergedInputs.ts';
import { type RejectedInput, RejectedInputs } from './rejectedInputs.ts';
import type { TaskInput, TaskInputs } from './taskInputs.ts';

/** The records of one upstream task in a partition of a repartition topic. */
interface SubStream {
  readonly place: number;
  readonly upstream: number;
  /** Its records below are taken in. */
  readTo: number;
  /** Records were passed over: from there on they have to be read again. */
  isBehind: boolean;
  isActive: boolean;
  /** Its watermark, as of its last record taken in. */
  watermark: number;
  /** Said by the upstream task in its last record, if that was the last: it has nothing more up to these offsets of its inputs. */
  reached: readonly number[] | null;
}

interface SavedSubStream {
  readonly readTo: number;
  readonly watermark: number;
  readonly reached: readonly number[] | null;
}

interface Saved {
  readonly merge: SavedMerge;
  readonly subStreams: readonly SavedSubStream[];
}

/**
 * The sub-streams of repartition topics, one for each upstream task, in an order that depends on nothing but their records and
 * recorded controls: how they lie among each other in the topic does not matter. A sub-stream that is far ahead of the others
 * is passed over and read again later, so that what waits here is bounded.
 */
export class SubStreams implements TaskInputs {
  readonly all: readonly TaskInput[];
  readonly places: readonly TopicPartition[];
  /** Topics of the first stage, in the order of its offsets. */
  readonly #sources: readonly string[];
  readonly #merge: InputMerge;
  readonly #readTo: number[];
  readonly #subStreams: readonly SubStream[];
  readonly #rejected = new RejectedInputs();

  constructor(
    all: readonly TaskInput[],
    places: readonly TopicPartition[],
    sources: readonly string[],
    bounds: MergeBounds,
    offsets: readonly number[],
  ) {
    this.all = all;
    this.places = places;
    this.#sources = sources;
    this.#readTo = [...offsets];
    this.#merge = new InputMerge(
      all.map(({ watermark }) => watermark),
      bounds,
    );
    this.#subStreams = all.map(({ place: { topic }, upstream }): SubStream => {
      const place = places.findIndex((each) => each.topic === topic);
      const readTo = offsets[place] ?? 0;
      const stand = { isBehind: false, isActive: true, watermark: NO_WATERMARK, reached: null };
      return { place, upstream: upstream ?? 0, readTo, ...stand };
    });
  }

  get position(): number {
    return this.#merge.arrivals;
  }

  get offsets(): readonly number[] {
    return this.places.map((_, place) => Math.min(...this.#at(place).map((input) => this.#nextOf(input))));
  }

  get readTo(): readonly number[] {
    return this.#readTo;
  }

  async offer(records: RecordChunk): Promise<void> {
    const place = this.places.findIndex(({ topic }) => topic === records.topic);
    const inputs = this.#at(place);
    const { chunk, rejected } = await (this.all[inputs[0] as number] as TaskInput).stage.accept(records);
    this.#rejected.add(place, rejected);
    const own = longs(chunk.columns, '_partition').values;
    for (const input of inputs) {
      const subStream = this.#subStreams[input] as SubStream;
      const rows = Int32Array.from(own.keys()).filter((row) => own[row] === subStream.upstream);
      this.#accept(input, subStream, chunk, rows);
      if (!subStream.isBehind) subStream.readTo = Math.max(subStream.readTo, records.nextOffset);
    }
    this.#readTo[place] = records.nextOffset;
  }

  skipTo(place: number, offset: number): void {
    this.#readTo[place] = Math.max(this.#readTo[place] as number, offset);
    for (const input of this.#at(place)) {
      const subStream = this.#subStreams[input] as SubStream;
      if (!subStream.isBehind) subStream.readTo = Math.max(subStream.readTo, offset);
    }
  }

  next(upTo: number): readonly Merged[] | null {
    return this.#merge.next(Math.min(MOST_MERGED, upTo - this.position));
  }

  takeRejected(): readonly RejectedInput[] {
    return this.#rejected.isEmpty ? [] : this.#rejected.take(this.offsets);
  }

  /** Not while a record of some sub-stream is missed: it may lie further on. */
  isPaused(place: number, ends: readonly PartitionRange[] | null): boolean {
    const inputs = this.#at(place);
    const isMissed = (input: number): boolean => !this.hasBuffered(input) && !this.hasRested(input, ends);
    return inputs.some((input) => this.#merge.paused(input)) && !inputs.some(isMissed);
  }

  rereadFrom(place: number): number | null {
    const behind = this.#at(place).filter((input) => this.#subStreams[input]?.isBehind === true);
    if (!behind.some((input) => !this.hasBuffered(input))) return null;
    for (const input of behind) (this.#subStreams[input] as SubStream).isBehind = false;
    const from = Math.min(...behind.map((input) => (this.#subStreams[input] as SubStream).readTo));
    this.#readTo[place] = from;
    return from;
  }

  hasRested(input: number, ends: readonly PartitionRange[] | null): boolean {
    const { reached, upstream: partition, isBehind } = this.#subStreams[input] as SubStream;
    if (reached === null || isBehind || this.hasBuffered(input)) return false;
    if (ends === null) return true;
    return this.#sources.every((topic, i) => (reached[i] as number) >= endOf(ends, { topic, partition }));
  }

  hasBuffered(input: number): boolean {
    return this.#merge.nextOffset(input) !== null;
  }

  isActive(input: number): boolean {
    return this.#subStreams[input]?.isActive === true;
  }

  setActive(input: number, isActive: boolean): void {
    (this.#subStreams[input] as SubStream).isActive = isActive;
    if (isActive) this.#merge.active(input);
    else this.#merge.idle(input);
  }

  snapshot(): Saved {
    const merge = this.#merge.snapshot();
    const subStreams = this.#subStreams.map(({ reached }, input): SavedSubStream => {
      const isDrained = !this.hasBuffered(input);
      const watermark = merge.watermarks[input] as number;
      return { readTo: this.#nextOf(input), watermark, reached: isDrained ? reached : null };
    });
    return { merge, subStreams };
  }

  restore(saved: unknown): void {
    const { merge, subStreams } = saved as Saved;
    this.#merge.restore(merge);
    subStreams.forEach((each, input) => {
      Object.assign(this.#subStreams[input] as SubStream, each, { isActive: merge.inactive[input] === 0 });
    });
  }

  /** Takes in the records of a sub-stream that are new to it, or passes them over where it is too far ahead. */
  #accept(input: number, subStream: SubStream, chunk: Chunk, rows: Int32Array): void {
    const kinds = chunk.columns.byName.get('_kind');
    const watermarks = longs(chunk.columns, '_watermark');
    if (kinds?.kind !== 'enum' || subStream.isBehind) return;
    const fresh = rows.filter((row) => (chunk.offsets[row] as number) >= subStream.readTo);
    if (fresh.length > 0 && this.#merge.paused(input)) {
      subStream.isBehind = true;
      subStream.readTo = chunk.offsets[fresh[0] as number] as number;
      return;
    }
    const taken: number[] = [];
    for (const row of fresh) {
      const watermark = watermarks.nulls?.[row] === 1 ? NO_WATERMARK : (watermarks.values[row] as number);
      subStream.reached = kinds.codes[row] === IDLE ? reachedAt(chunk.columns, row) : null;
      // What says nothing new is not there: a task that was interrupted may have said it twice.
      if (kinds.codes[row] === ROW || watermark > subStream.watermark) taken.push(row);
      subStream.watermark = Math.max(subStream.watermark, watermark);
    }
    if (taken.length > 0) this.#merge.offer(input, chunkRows(chunk, Int32Array.from(taken)));
  }

  /** Offset of the first record of an input that is not taken. */
  #nextOf(input: number): number {
    return this.#merge.nextOffset(input) ?? (this.#subStreams[input] as SubStream).readTo;
  }

  /** The inputs that are read from a partition. */
  #at(place: number): readonly number[] {
    return [...this.#subStreams.keys()].filter((input) => this.#subStreams[input]?.place === place);
  }
}

function longs({ byName }: Columns, name: string): NumberColumn {
  const column = byName.get(name);
  if (column?.kind !== 'long' && column?.kind !== 'int') throw new RangeError(`there is no column of longs '${name}'`);
  return column;
}

function reachedAt({ byName }: Columns, row: number): readonly number[] {
  const column: Column | undefined = byName.get('_reached');
  if (column?.kind !== 'string') throw new RangeError('an idle record says how far its task has come');
  return JSON.parse(textAt(column, row)) as readonly number[];
}
