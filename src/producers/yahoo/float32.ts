const MOST_DIGITS = 9;

/**
 * The price that Yahoo means: it keeps prices as 32-bit floats and prints them as doubles, so that 188.12 comes as
 * 188.1199951171875. Where the double is such a float, the price is the shortest decimal that reads back as the same
 * float; nine digits are always enough (IEEE 754: FLT_DECIMAL_DIG). Another double is what it is.
 */
export function shortestFloat(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < MOST_DIGITS; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(MOST_DIGITS));
}
