/** No column holds a number of more digits. */
const MAX_DIGITS = 80;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

/** What a decimal text says, times 10^scale; null when it says no number, has more places, or far more digits than a column. */
export function scaledDecimal(text: string, scale: number): bigint | null {
  const [, sign, whole, fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return null;
  const digits = (whole + fraction).replace(/0+$/, '');
  if (digits === '') return 0n;
  const power = Number(exponent) + whole.length - digits.length + scale;
  if (power < 0 || digits.length + power > MAX_DIGITS) return null;
  const magnitude = BigInt(digits) * 10n ** BigInt(power);
  return sign === '-' ? -magnitude : magnitude;
}
