import { formatDuration, MICROS_PER_MS, parseDurationMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import { firstStartAcross, startAtOrBefore } from './grid.ts';

/**
 * Half-open windows `[start, end)` of `sizeMicros`, starting at `offsetMicros + n * slideMicros` for every integer n
 * (Flink's semantics, negative times included). Tumbling: slide equals size.
 */
export interface GridDefinition {
  readonly kind: 'tumbling' | 'hopping';
  /** Names the window in results: `1m`, or `5m/1m` for a hopping window of 5 minutes every minute. */
  readonly interval: string;
  readonly sizeMicros: number;
  readonly slideMicros: number;
  readonly offsetMicros: number;
}

/** Windows `[first, last + gap)` around records of a key that are at most a gap apart. */
export interface SessionDefinition {
  readonly kind: 'session';
  readonly interval: string;
  readonly gapMicros: number;
}

/** For each event time t of a key, the window `(t - size, t]`. */
export interface SlidingDefinition {
  readonly kind: 'sliding';
  readonly interval: string;
  readonly sizeMicros: number;
}

/** One window for each key, over all of time, that emits every so many records, or so often in event time. */
export interface GlobalDefinition {
  readonly kind: 'global';
  readonly interval: string;
  /** Infinity for never: one of the two is. */
  readonly everyCount: number;
  readonly everyMicros: number;
}

/**
 * What windows a `window` step puts records into. `tumbling`, `hopping`, `session`, `sliding` and `globally` make one.
 *
 * @example const days: WindowDefinition = tumbling('1d', { offset: '9h' });
 */
export type WindowDefinition = GridDefinition | SessionDefinition | SlidingDefinition | GlobalDefinition;

/** Whether a window's contents stay after it has fired, or are emptied: then each firing holds what came since the last. */
export type Accumulation = 'accumulating' | 'discarding';

/**
 * When windows that are not complete emit provisional results: never (`final`), after each of their records (`eachChange`),
 * or whenever the watermark passes a multiple of some event time, those that have changed.
 */
export type Emission = 'final' | 'eachChange' | { readonly everyMs: number };

/** The windows of one `window` step. */
export interface WindowSet {
  readonly definitions: readonly WindowDefinition[];
  /** How long after its completion a window still takes records. */
  readonly latenessMicros: number;
  readonly accumulation: Accumulation;
  readonly emission: Emission;
}

export interface WindowOptions {
  /** Moves every start, such as `30s`; its magnitude is below the slide. May begin with a minus sign. */
  readonly offset?: string;
}

/** @throws TM_DURATION, TM_WINDOW when it is not below the slide */
export function offsetOf({ offset }: WindowOptions, slideMicros: number): number {
  if (offset === undefined) return 0;
  const negative = offset.startsWith('-');
  const magnitude = parseDurationMicros(negative ? offset.slice(1) : offset);
  if (magnitude >= slideMicros) {
    throw new TidemarkError('TM_WINDOW', `window offset ${offset} is not below ${formatDuration(slideMicros)}`, {
      hint: 'The magnitude of an offset is below the slide (the size, for a tumbling window).',
    });
  }
  return negative ? -magnitude : magnitude;
}

/** The name of windows that are moved by an offset. */
export function withOffset(interval: string, offsetMicros: number): string {
  if (offsetMicros === 0) return interval;
  return `${interval}${offsetMicros < 0 ? '-' : '+'}${formatDuration(Math.abs(offsetMicros))}`;
}

/**
 * The bounds that global windows carry, so that a key's always has one name: from 1900, the first instant that ClickHouse's
 * DateTime64 holds, to the last that a double holds exactly. Records of other times are in it as well.
 */
export const GLOBAL_BOUNDS = { start: Date.UTC(1900, 0, 1) * MICROS_PER_MS, end: Number.MAX_SAFE_INTEGER } as const;

/**
 * Bounds of the window that an instant names: the one that it lies in; of hopping windows the last that has started by then; of
 * sliding ones that of the records of that instant. Null in a gap between windows, and for sessions, which records bound.
 */
export function namedWindow(definition: WindowDefinition, atMicros: number): { start: number; end: number } | null {
  if (definition.kind === 'session') return null;
  if (definition.kind === 'global') return GLOBAL_BOUNDS;
  if (definition.kind === 'sliding') return { start: atMicros - definition.sizeMicros + 1, end: atMicros + 1 };
  const start = startAtOrBefore(definition, atMicros);
  const end = start + definition.sizeMicros;
  return atMicros < end ? { start, end } : null;
}

/** The longest that a window may be; infinite for sessions and global windows. */
export function longestMicros(definition: WindowDefinition): number {
  return isUnbounded(definition) ? Number.POSITIVE_INFINITY : definition.sizeMicros;
}

/**
 * The lowest start of the windows that may lie across `tsMicros`; that time itself when none does, and minus infinity
 * for sessions and global windows, which may have begun at any time.
 */
export function lowestStartAcross({ definitions }: WindowSet, tsMicros: number): number {
  const starts = definitions.map((definition) => {
    if (isUnbounded(definition)) return Number.NEGATIVE_INFINITY;
    if (definition.kind === 'sliding') return tsMicros - definition.sizeMicros + 1;
    return firstStartAcross(definition, definition.sizeMicros, tsMicros);
  });
  return Math.min(tsMicros, ...starts);
}

function isUnbounded(definition: WindowDefinition): definition is SessionDefinition | GlobalDefinition {
  return definition.kind === 'session' || definition.kind === 'global';
}
