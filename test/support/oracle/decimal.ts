/**
 * Exact decimals and one exact rounding, with BigInt: slow and obvious. An oracle shares no code with what it judges, so
 * nothing here imports from the engine.
 */

/** `unscaled / 10^scale`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { unscaled: 0n, scale: 0 };

/** @throws SyntaxError when `text` is not a plain decimal such as `-12.50` (an exponent is refused). */
export function parseDecimal(text: string): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (parts === null) throw new SyntaxError(`not a plain decimal: ${JSON.stringify(text)}`);
  const [, sign, whole = '', fraction = ''] = parts;
  const magnitude = BigInt(whole + fraction);
  return { unscaled: sign === '-' ? -magnitude : magnitude, scale: fraction.length };
}

/** Plain text without trailing zeros: `12.50` is `12.5`, `3.00` is `3`. */
export function formatDecimal({ unscaled, scale }: Decimal): string {
  const magnitude = unscaled < 0n ? -unscaled : unscaled;
  const digits = magnitude.toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${unscaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { unscaled: atScale(a, scale) + atScale(b, scale), scale };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale };
}

/** Negative when a < b, 0 when they are the same number, positive when a > b. */
export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Exactly (a + b) / 2. */
export function midpoint(a: Decimal, b: Decimal): Decimal {
  return multiply(add(a, b), { unscaled: 5n, scale: 1 });
}

/** The double nearest to the decimal. JavaScript reads a decimal literal correctly rounded. */
export function toDouble(decimal: Decimal): number {
  return Number(formatDecimal(decimal));
}

/** The double nearest to the exact quotient a / b (ties to even). @throws RangeError when b is 0. */
export function nearestQuotient(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  return nearestRatio(atScale(a, scale), atScale(b, scale));
}

function atScale(decimal: Decimal, scale: number): bigint {
  return decimal.unscaled * 10n ** BigInt(scale - decimal.scale);
}

function bitLength(positive: bigint): number {
  return positive.toString(2).length;
}

/** Rounds numerator / denominator to 53 significant bits, half to even: what IEEE 754 calls the correctly rounded value. */
function nearestRatio(numerator: bigint, denominator: bigint): number {
  if (denominator === 0n) throw new RangeError('division by zero');
  if (numerator === 0n) return 0;
  const negative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  // Scale by a power of two so that the integer quotient has at least 54 bits: 53 to keep and one or two to round by.
  const shift = 55 - (bitLength(n) - bitLength(d));
  const scaledN = shift > 0 ? n << BigInt(shift) : n;
  const scaledD = shift < 0 ? d << BigInt(-shift) : d;
  const quotient = scaledN / scaledD;
  const exact = scaledN % scaledD === 0n;
  const dropped = BigInt(bitLength(quotient) - 53);
  let kept = quotient >> dropped;
  const rest = quotient - (kept << dropped);
  const half = 1n << (dropped - 1n);
  if (rest > half || (rest === half && (!exact || kept % 2n === 1n))) kept += 1n;
  const value = Number(kept) * 2 ** (Number(dropped) - shift);
  if (value < 2 ** -1022 || value > Number.MAX_VALUE) throw new RangeError('the oracle rounds normal doubles only');
  return negative ? -value : value;
}
