import { significantDigits } from '../../core/shortDecimal.ts';
import { type RowFault, shown } from '../rowFault.ts';

const MAX_MAGNITUDE = 1e18;

/** What a market API may leave where it has no number. */
const NO_NUMBER: ReadonlySet<string> = new Set(['', '--', '-', 'None', 'null']);

/** A number that a vendor wrote as text; null where it has none. */
export function numberOfText(name: string, text: string): number | null | RowFault {
  if (NO_NUMBER.has(text)) return null;
  if (significantDigits(text) < 0) return { reason: 'number', detail: `${name} is not a number: ${shown(text)}` };
  return checkedNumber(name, Number(text));
}

/** The number, or why it is no price or volume. Prices below zero are real: futures have had them. */
export function checkedNumber(name: string, value: number): number | RowFault {
  if (Math.abs(value) >= MAX_MAGNITUDE) return { reason: 'range', detail: `${name} is not below 10^18: ${value}` };
  if (value < 0 && name === 'volume') return { reason: 'negative', detail: `${name} is negative: ${value}` };
  return value === 0 ? 0 : value;
}

export function isFault(value: unknown): value is RowFault {
  return typeof value === 'object' && value !== null && 'reason' in value;
}
