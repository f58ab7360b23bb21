const EXPONENT = /^(-?)(\d+)(?:\.(\d+))?e([+-]?\d+)$/;

/**
 * A number's text without an exponent; other text as it is.
 *
 * @example plainDecimal('1.5e-7') // '0.00000015'
 */
export function plainDecimal(text: string): string {
  // Nearly all numbers have none, and a result has millions of them.
  const match = text.includes('e') ? EXPONENT.exec(text) : null;
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
