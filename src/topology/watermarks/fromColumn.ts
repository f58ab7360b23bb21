import type { WatermarkStrategy } from './strategy.ts';

/**
 * Records carry their watermark, microseconds, in a field: after such a record none at or before it is to come. A record
 * whose field is null moves nothing, nor does one whose watermark is behind an earlier one.
 *
 * @example watermark(fromColumn('publishTime'))
 */
export function fromColumn(field: string): WatermarkStrategy {
  return { field, delayMicros: 0 };
}
