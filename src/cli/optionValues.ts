import { InvalidArgumentError } from 'commander';

const MAX_WHOLE_NUMBER = 2 ** 31 - 1;

/** A whole number from 1 on, as text; null for any other text. */
export function parseWholeNumber(text: string): number | null {
  const value = Number(text);
  return /^[1-9]\d*$/.test(text) && value <= MAX_WHOLE_NUMBER ? value : null;
}

/** An option's value for commander. */
export function wholeNumber(text: string): number {
  const value = parseWholeNumber(text);
  if (value === null) throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_WHOLE_NUMBER}.`);
  return value;
}

/** Of an option that may be given several times. */
export function addText(text: string, soFar: readonly string[] = []): readonly string[] {
  return [...soFar, text];
}
