import { TidemarkError } from '../errors.ts';
import { NO_WATERMARK } from '../topology/elements.ts';

/** A flush that was recorded: its number, the input position at which it applied, and where to look for it. */
export interface RecordedFlush {
  readonly controlSequence: number;
  readonly position: number;
  /** An offset of the control topic at or before its record. */
  readonly controlOffset: number;
}

/**
 * Where a task can start again: the oldest record that an open window still needs, with the watermark and the control
 * sequence in force there. Re-reading from it, outputs muted, gives the state at the committed position.
 */
export interface RestartPoint {
  readonly offset: number;
  readonly watermark: number;
  readonly controlSequence: number;
  /** Every flush recorded since lies at or after this offset of the control topic. */
  readonly controlOffset: number;
}

/** What a task commits beside its input offset. */
export interface TaskMark {
  /** Of the topology's definition. */
  readonly fingerprint: string;
  /** Partitions of the input topic. */
  readonly partitions: number;
  readonly controlSequence: number;
  /** In force at the position. */
  readonly watermark: number;
  /** No record before the position has a later event time; no watermark before the first. */
  readonly maxEventTime: number;
  readonly restart: RestartPoint;
}

const FORMAT = 3;

/** The mark as a position's metadata. JSON has no infinity: no watermark is null. */
export function formatMark(mark: TaskMark): string {
  const { watermark, maxEventTime, restart } = mark;
  return JSON.stringify({
    format: FORMAT,
    ...mark,
    watermark: finite(watermark),
    maxEventTime: finite(maxEventTime),
    restart: { ...restart, watermark: finite(restart.watermark) },
  });
}

/** @throws TM_POSITION_LOST when the text is not a mark of this format */
export function parseMark(metadata: string, where: string): TaskMark {
  const mark: unknown = parsed(metadata);
  if (!isMark(mark)) {
    throw new TidemarkError('TM_POSITION_LOST', 'the committed position carries no readable restart point', {
      where,
      hint: 'It was written by another version of Tidemark, or by another program that uses the same consumer group.',
    });
  }
  const { fingerprint, partitions, controlSequence, watermark, maxEventTime, restart } = mark;
  return {
    fingerprint,
    partitions,
    controlSequence,
    watermark: watermark ?? NO_WATERMARK,
    maxEventTime: maxEventTime ?? NO_WATERMARK,
    restart: { ...restart, watermark: restart.watermark ?? NO_WATERMARK },
  };
}

type StoredMark = Omit<TaskMark, 'restart' | 'watermark' | 'maxEventTime'> & {
  readonly watermark: number | null;
  readonly maxEventTime: number | null;
  readonly restart: Omit<RestartPoint, 'watermark'> & { readonly watermark: number | null };
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
