import { decimalScale, POWERS_OF_TEN } from '../core/shortDecimal.ts';

/**
 * The middle of two prices as decimals: the double nearest to the exact (a + b) / 2, so that the middle of 1.38626 and
 * 1.38627 is 1.386265. Prices that have no short decimal form give the plain mean of the doubles; null when one is null.
 *
 * @example midpoint(1.38626, 1.38627) // 1.386265
 */
export function midpoint(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  const scaleA = decimalScale(a);
  const scaleB = decimalScale(b, Math.max(scaleA, 0));
  const scale = Math.max(scaleA, scaleB);
  const power = POWERS_OF_TEN[scale];
  const tenfold = POWERS_OF_TEN[scale + 1];
  if (scaleA < 0 || scaleB < 0 || power === undefined || tenfold === undefined) return (a + b) / 2;
  const half = (Math.round(a * power) + Math.round(b * power)) * 5;
  return Number.isSafeInteger(half) ? half / tenfold : (a + b) / 2;
}
