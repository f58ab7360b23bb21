const SPLITTER = 2 ** 27 + 1;

/** Enough for the relative error of a quotient in two doubles, which is a few times 2^-104. */
const QUOTIENT_ERROR = 2 ** -95;

/**
 * `a * b - product`, exactly, where `product` is the double `a * b` (T. J. Dekker, "A floating-point technique for
 * extending the available precision", 1971). The magnitudes stay far from overflow and underflow here.
 */
export function productError(a: number, b: number, product: number): number {
  const aWide = SPLITTER * a;
  const aHigh = aWide - (aWide - a);
  const aLow = a - aHigh;
  const bWide = SPLITTER * b;
  const bHigh = bWide - (bWide - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** `a + b - sum`, exactly, where `sum` is the double `a + b` (Knuth, TAOCP 4.2.2, theorem C). */
export function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/**
 * The double nearest to (n + nLow) / ((d + dLow) * factor), where each low part is at most half a unit in the last place of
 * its high part; NaN in the rare case that two doubles do not tell which neighbour is nearer (Ziv's rounding test).
 */
export function nearestRatio(n: number, nLow: number, d: number, dLow: number, factor: number): number {
  if (n === 0) return 0;
  const divisor = d * factor;
  const divisorLow = productError(d, factor, divisor) + dLow * factor;
  const quotient = n / divisor;
  const product = quotient * divisor;
  const rest = n - product - productError(quotient, divisor, product) + nLow - quotient * divisorLow;
  const correction = rest / divisor;
  const error = Math.abs(quotient) * QUOTIENT_ERROR;
  const lowest = quotient + (correction - error);
  const highest = quotient + (correction + error);
  return lowest === highest ? lowest : Number.NaN;
}
