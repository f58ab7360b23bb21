import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { WatermarkStrategy } from './strategy.ts';

/**
 * Records may come up to `outOfOrdernessMs` out of order: W = max − bound − 1 µs. The watermark is inclusive (no more
 * records at or before W), hence the 1.
 *
 * @example watermark(bounded(1_000))
 * @throws TM_TOPOLOGY for a bound that is negative or not a whole number
 */
export function bounded(outOfOrdernessMs: number): WatermarkStrategy {
  if (!Number.isSafeInteger(outOfOrdernessMs) || outOfOrdernessMs < 0) {
    throw new TidemarkError('TM_TOPOLOGY', `bounded(${outOfOrdernessMs}): the bound is not valid`, {
      hint: 'The bound is a whole number of milliseconds, zero or more.',
    });
  }
  return { field: null, delayMicros: outOfOrdernessMs * MICROS_PER_MS + 1 };
}
