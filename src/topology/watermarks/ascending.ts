import type { WatermarkStrategy } from './strategy.ts';

/**
 * Event time never goes back, though records may share an instant: W = max − 1 µs.
 *
 * @example watermark(ascending())
 */
export function ascending(): WatermarkStrategy {
  return { field: null, delayMicros: 1 };
}
