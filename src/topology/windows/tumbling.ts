import { formatDuration, parseDurationMicros } from '../../core/time.ts';
import { type GridDefinition, offsetOf, type WindowOptions, withOffset } from './definition.ts';

/**
 * Windows that follow one another without gaps or overlaps.
 *
 * @example tumbling('1m')
 * @throws TM_DURATION, TM_WINDOW
 */
export function tumbling(size: string, options: WindowOptions = {}): GridDefinition {
  const sizeMicros = parseDurationMicros(size);
  const offsetMicros = offsetOf(options, sizeMicros);
  const interval = withOffset(formatDuration(sizeMicros), offsetMicros);
  return { kind: 'tumbling', interval, sizeMicros, slideMicros: sizeMicros, offsetMicros };
}
