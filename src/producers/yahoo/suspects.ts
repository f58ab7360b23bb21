import type { PublishedBar } from '../market/response.ts';

type Prices = Pick<PublishedBar, 'open' | 'high' | 'low' | 'close'>;

/** Prices further apart than this are taken for the same ones in pounds and in pence; real ones do not move so from bar to bar. */
const LEAST_FACTOR = 50;
const MOST_FACTOR = 200;

/** 1 when b is about 100 times a, -1 when a hundredth of it, else 0. */
function step(a: number, b: number): number {
  const ratio = b / a;
  if (ratio >= LEAST_FACTOR && ratio <= MOST_FACTOR) return 1;
  return ratio >= 1 / MOST_FACTOR && ratio <= 1 / LEAST_FACTOR ? -1 : 0;
}

/**
 * Which bars, by rising time, have prices that are probably wrong: Yahoo has published some that were 100 times too high or too low
 * (pounds for pence), and some that contradict each other. They are flagged, not repaired: which of them is right is for
 * those to say who know the instrument.
 * @param previousClose the close before the first bar, by whose scale the others are judged. Without one, a jump by the factor
 * makes all of them suspect: which side of it is wrong cannot be told.
 */
export function suspects(bars: readonly Prices[], previousClose: number | null): readonly PublishedBar['suspect'][] {
  const levels: number[] = [];
  let level = 0;
  let before = previousClose ?? 0;
  for (const bar of bars) {
    const price = highest(bar);
    if (price > 0) {
      if (before > 0) level += step(before, price);
      before = price;
    }
    levels.push(level);
  }
  const isUnknown = previousClose === null && levels.some((other) => other !== 0);
  return bars.map((bar, index) => {
    if (isUnknown || levels[index] !== 0 || isScaleMixed(bar)) return 'scale';
    return isContradictory(bar) ? 'range' : null;
  });
}

function pricesOf({ open, high, low, close }: Prices): readonly number[] {
  return [open, high, low, close].filter((price) => price !== null);
}

function highest(bar: Prices): number {
  return Math.max(0, ...pricesOf(bar));
}

function isScaleMixed(bar: Prices): boolean {
  const lowest = Math.min(...pricesOf(bar));
  return lowest > 0 && step(lowest, highest(bar)) !== 0;
}

function isContradictory({ open, high, low, close }: Prices): boolean {
  const inner = [open, close].filter((price) => price !== null);
  return (
    inner.some((price) => (high !== null && price > high) || (low !== null && price < low)) ||
    (low === 0) !== (high === 0)
  );
}
