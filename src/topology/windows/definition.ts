import { formatDuration, parseDurationMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';

/**
 * Half-open windows `[start, end)` of `sizeMicros`, starting at `offsetMicros + n * slideMicros` for every integer n
 * (Flink's semantics, negative times included). Tumbling: slide equals size.
 *
 * @example const days: WindowDefinition = tumbling('1d', { offset: '9h' });
 */
export interface WindowDefinition {
  readonly kind: 'tumbling' | 'hopping';
  /** Names the window in results: `1m`, or `5m/1m` for a hopping window of 5 minutes every minute. */
  readonly interval: string;
  readonly sizeMicros: number;
  readonly slideMicros: number;
  readonly offsetMicros: number;
}

/** The windows of one `window` step. */
export interface WindowSet {
  readonly definitions: readonly WindowDefinition[];
  /** How long after its completion a window still takes records. */
  readonly latenessMicros: number;
}

export interface WindowOptions {
  /** Moves every start, such as `30s`; its magnitude is below the slide. May begin with a minus sign. */
  readonly offset?: string;
}

function offsetOf(options: WindowOptions, slideMicros: number): number {
  if (options.offset === undefined) return 0;
  const negative = options.offset.startsWith('-');
  const magnitude = parseDurationMicros(negative ? options.offset.slice(1) : options.offset);
  if (magnitude >= slideMicros) {
    throw new TidemarkError(
      'TM_WINDOW',
      `window offset ${options.offset} is not below ${formatDuration(slideMicros)}`,
      {
        hint: 'The magnitude of an offset is below the slide (the size, for a tumbling window).',
      },
    );
  }
  return negative ? -magnitude : magnitude;
}

function withOffset(interval: string, offsetMicros: number): string {
  if (offsetMicros === 0) return interval;
  return `${interval}${offsetMicros < 0 ? '-' : '+'}${formatDuration(Math.abs(offsetMicros))}`;
}

/**
 * Windows that follow one another without gaps or overlaps.
 *
 * @example tumbling('1m')
 * @throws TM_DURATION, TM_WINDOW
 */
export function tumbling(size: string, options: WindowOptions = {}): WindowDefinition {
  const sizeMicros = parseDurationMicros(size);
  const offsetMicros = offsetOf(options, sizeMicros);
  const interval = withOffset(formatDuration(sizeMicros), offsetMicros);
  return { kind: 'tumbling', interval, sizeMicros, slideMicros: sizeMicros, offsetMicros };
}

/**
 * Windows of one size that start every `slide`. They overlap where the slide is below the size; where it is above, the
 * records in the gaps belong to no window and are counted as unassigned.
 *
 * @example hopping('5m', '1m')
 * @throws TM_DURATION, TM_WINDOW
 */
export function hopping(size: string, slide: string, options: WindowOptions = {}): WindowDefinition {
  const sizeMicros = parseDurationMicros(size);
  const slideMicros = parseDurationMicros(slide);
  const offsetMicros = offsetOf(options, slideMicros);
  const interval = withOffset(`${formatDuration(sizeMicros)}/${formatDuration(slideMicros)}`, offsetMicros);
  return { kind: 'hopping', interval, sizeMicros, slideMicros, offsetMicros };
}

/** Start of the last window that begins at or before `tsMicros`. Floor division: right for negative times. */
export function startAtOrBefore(definition: WindowDefinition, tsMicros: number): number {
  const { slideMicros, offsetMicros } = definition;
  return Math.floor((tsMicros - offsetMicros) / slideMicros) * slideMicros + offsetMicros;
}

/** The lowest start of the windows that lie across `tsMicros`; that time itself when none does. */
export function lowestStartAcross({ definitions }: WindowSet, tsMicros: number): number {
  const starts = definitions.map(
    (definition) => startAtOrBefore(definition, tsMicros - definition.sizeMicros) + definition.slideMicros,
  );
  return Math.min(tsMicros, ...starts);
}
