import type { WatermarkStrategy } from './strategy.ts';

/**
 * No record moves the watermark: only a watermark from outside does, as a test or a scenario gives it.
 *
 * @example watermark(external())
 */
export function external(): WatermarkStrategy {
  return { field: null, delayMicros: Number.POSITIVE_INFINITY };
}
