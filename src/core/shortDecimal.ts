/**
 * Doubles that mean their shortest decimal form. A decimal of at most 15 significant digits survives the way to a double
 * and back (IEEE 754: DBL_DIG), so a double made of such a text *is* that decimal.
 */

/** Most significant digits of a number that a double holds without loss. */
export const MAX_SHORT_DIGITS = 15;

/** 10^0 to 10^22: the powers of ten that are exact in a double. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const HIGHEST_SCALE = POWERS_OF_TEN.length - 1;
/** Up to here the integer nearest to x * 10^s is the only one that gives x again, whichever scale is tried. */
export const UNIQUE_MANTISSA = 10 ** MAX_SHORT_DIGITS;

const ZERO = 48;
const NINE = 57;
const DOT = 46;
const PLUS = 43;
const MINUS = 45;

function isExponent(text: string, start: number): boolean {
  const sign = text.charCodeAt(start);
  let at = sign === PLUS || sign === MINUS ? start + 1 : start;
  if (at === text.length) return false;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return false;
  }
  return true;
}

/**
 * How many significant digits a decimal text has (`12.50` and `-1.25e3` have 3, `0.0` has none), or -1 when the text is
 * not a decimal number: digits with at most one point, a sign before, an exponent after. Zeros at the ends do not count.
 */
export function significantDigits(text: string): number {
  const sign = text.charCodeAt(0);
  let digits = 0;
  let zerosPending = 0;
  let seenDigit = false;
  let seenPoint = false;
  for (let at = sign === PLUS || sign === MINUS ? 1 : 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      seenDigit = true;
      if (code !== ZERO) {
        digits += zerosPending + 1;
        zerosPending = 0;
      } else if (digits > 0) {
        zerosPending++;
      }
    } else if (code === DOT && !seenPoint) {
      seenPoint = true;
    } else {
      const hasExponent = seenDigit && (code | 32) === 101 && isExponent(text, at + 1);
      return hasExponent ? digits : -1;
    }
  }
  return seenDigit ? digits : -1;
}

function fits(x: number, scale: number, mantissaBound: number): boolean {
  const power = POWERS_OF_TEN[scale] as number;
  const mantissa = Math.round(x * power);
  return mantissa / power === x && mantissa <= mantissaBound && mantissa >= -mantissaBound;
}

/**
 * A scale s from 0 to 22 at which x is exactly the decimal m / 10^s, with m = `Math.round(x * 10 ** s)` and |m| < 2^53; -1
 * when there is none. It is `hint` where that fits (a column's scale rarely changes), else the smallest. Each x with at
 * most 15 significant digits and 22 decimals has one; m is then that decimal's own digits.
 */
export function decimalScale(x: number, hint = 0): number {
  if (fits(x, hint, UNIQUE_MANTISSA)) return hint;
  for (let scale = 0; scale <= HIGHEST_SCALE; scale++) {
    if (fits(x, scale, Number.MAX_SAFE_INTEGER)) return scale;
  }
  return -1;
}
