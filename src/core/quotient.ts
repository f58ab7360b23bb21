const DOUBLE_BITS = 53;

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

/**
 * The double nearest to numerator / denominator, ties to even (IEEE 754), from exact integers.
 * The quotient is taken to two bits more than a double holds, with the remainder folded into the last one, so that the
 * one rounding is the conversion's. Quotients below 2^-1000 are not expected here and would round twice.
 *
 * @example nearestQuotient(1n, 3n) // 0.3333333333333333
 */
export function nearestQuotient(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const negative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  const shift = DOUBLE_BITS + 2 - (bitLength(n) - bitLength(d));
  const scaledN = shift > 0 ? n << BigInt(shift) : n;
  const scaledD = shift < 0 ? d << BigInt(-shift) : d;
  const quotient = scaledN / scaledD;
  const sticky = quotient * scaledD === scaledN ? 0n : 1n;
  const magnitude = Number(quotient | sticky) * 2 ** -shift;
  return negative ? -magnitude : magnitude;
}
