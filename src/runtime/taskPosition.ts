import { TidemarkError } from '../errors.ts';
import type { Position } from '../log/log.ts';
import { NO_WATERMARK } from '../topology/elements.ts';
import type { SnapshotPointer } from './snapshots.ts';

/** What a task commits beside the offsets of its inputs. */
export interface TaskMark {
  /** Of the topology's definition. */
  readonly fingerprint: string;
  /** Partitions of each input topic. */
  readonly partitions: number;
  /**
   * Its place in the order of its records: the offset, below zero in the history before it; or with several inputs how many
   * it has taken.
   */
  readonly position: number;
  /** Controls other than commits so far. */
  readonly controlSequence: number;
  /** In force at the position, and where it would be there had the wall clock not moved it. */
  readonly watermark: number;
  readonly recordWatermark: number;
  /** No record before the position has a later event time; no watermark before the first. */
  readonly maxEventTime: number;
  /** By input, the offset that the task began at: the state is a function of the records from there on. */
  readonly began: readonly number[];
  /** The newest whole snapshots of its state, newest first. */
  readonly snapshots: readonly SnapshotPointer[];
}

const FORMAT = 4;

/** The mark as a position's metadata. JSON has no infinity: no watermark is null. */
export function formatMark(mark: TaskMark): string {
  const { watermark, recordWatermark, maxEventTime } = mark;
  return JSON.stringify({
    format: FORMAT,
    ...mark,
    watermark: finite(watermark),
    recordWatermark: finite(recordWatermark),
    maxEventTime: finite(maxEventTime),
  });
}

/** @throws TM_POSITION_LOST when the text is not a mark of this format */
export function parseMark(metadata: string, where: string): TaskMark {
  const mark: unknown = parsed(metadata);
  if (!isMark(mark)) {
    throw new TidemarkError('TM_POSITION_LOST', 'the committed position is not one that a task of this version wrote', {
      where,
      hint: 'It was written by another version of Tidemark, or by another program that uses the same consumer group.',
    });
  }
  const { format: _, watermark, recordWatermark, maxEventTime, ...rest } = mark;
  return {
    ...rest,
    watermark: watermark ?? NO_WATERMARK,
    recordWatermark: recordWatermark ?? NO_WATERMARK,
    maxEventTime: maxEventTime ?? NO_WATERMARK,
  };
}

/** How far a task has come in an input: the offset, or the place in the history before it, where a log commits zero. */
export function placeIn({ offset }: Position, { position }: TaskMark): number {
  return position < 0 ? position : offset;
}

type StoredMark = Omit<TaskMark, 'watermark' | 'recordWatermark' | 'maxEventTime'> & {
  readonly format: number;
  readonly watermark: number | null;
  readonly recordWatermark: number | null;
  readonly maxEventTime: number | null;
};

function isMark(value: unknown): value is StoredMark {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/** Event times and watermarks as they are written: none is null. */
export function finite(tsMicros: number): number | null {
  return tsMicros === NO_WATERMARK ? null : tsMicros;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
