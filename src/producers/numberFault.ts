import { decimalScale, MAX_SHORT_DIGITS, significantDigits } from '../core/shortDecimal.ts';
import { type RowFault, shown } from './rowFault.ts';

const MAX_SCALE = 18;
const MAX_MAGNITUDE = 1e18;
/** A number of at most 15 digits that is not smaller than this has at most 18 decimals. */
const SURELY_IN_SCALE = 10 ** (MAX_SHORT_DIGITS - 1 - MAX_SCALE);

/** What is wrong with a price or a size, given as it was written and as the double nearest to it. */
export function numberFault(name: string, text: string, value: number, isShortDecimal: boolean): RowFault | null {
  const digits = significantDigits(text);
  if (digits < 0) return { reason: 'number', detail: `${name} is not a number: ${shown(text)}` };
  if (value < 0) return { reason: 'negative', detail: `${name} is negative: ${shown(text)}` };
  if (value >= MAX_MAGNITUDE) return { reason: 'range', detail: `${name} is not below 10^18: ${shown(text)}` };
  if (!isShortDecimal) return tooSmallFault(name, text, value);
  if (digits > MAX_SHORT_DIGITS) {
    return {
      reason: 'digits',
      detail: `${name} has ${digits} significant digits, more than ${MAX_SHORT_DIGITS}: ${shown(text)}`,
    };
  }
  if (value < SURELY_IN_SCALE && digits > 0) {
    const scale = decimalScale(value);
    // A value of 0 with digits is one too small for a double.
    if (value === 0 || scale < 0 || scale > MAX_SCALE) {
      return { reason: 'range', detail: `${name} has more than ${MAX_SCALE} decimals: ${shown(text)}` };
    }
  }
  return null;
}

/** A number with digits that no double is near to but 0. */
export function tooSmallFault(name: string, text: string, value: number): RowFault | null {
  if (value !== 0 || significantDigits(text) <= 0) return null;
  return { reason: 'range', detail: `${name} is too small for a double: ${shown(text)}` };
}
