import { formatDuration, parseDurationMicros } from '../../core/time.ts';
import { type GridDefinition, offsetOf, type WindowOptions, withOffset } from './definition.ts';

/**
 * Windows of one size that start every `slide`. They overlap where the slide is below the size; where it is above, the
 * records in the gaps belong to no window and are counted as unassigned.
 *
 * @example hopping('5m', '1m')
 * @throws TM_DURATION, TM_WINDOW
 */
export function hopping(size: string, slide: string, options: WindowOptions = {}): GridDefinition {
  const sizeMicros = parseDurationMicros(size);
  const slideMicros = parseDurationMicros(slide);
  const offsetMicros = offsetOf(options, slideMicros);
  const interval = withOffset(`${formatDuration(sizeMicros)}/${formatDuration(slideMicros)}`, offsetMicros);
  return { kind: 'hopping', interval, sizeMicros, slideMicros, offsetMicros };
}
