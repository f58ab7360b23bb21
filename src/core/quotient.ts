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

/** The double nearest to the square root of numerator / denominator, which are not below 0 and above 0. */
export function nearestSquareRoot(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const half = Math.floor((bitLength(numerator) - bitLength(denominator)) / 2);
  const shift = Math.max(0, DOUBLE_BITS + 3 - half);
  const shifted = numerator << BigInt(2 * shift);
  const quotient = shifted / denominator;
  const root = integerSquareRoot(quotient);
  const sticky = root * root === quotient && quotient * denominator === shifted ? 0n : 1n;
  return Number(root | sticky) * 2 ** -shift;
}

/** Rounded down, by Newton's method from above. */
function integerSquareRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(bitLength(value) / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
