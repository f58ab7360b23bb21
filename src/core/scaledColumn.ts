import type { DecimalColumn, NumberColumn } from './columns.ts';
import { DECIMAL_BYTES, readDecimal, readSafeDecimal } from './decimalBytes.ts';
import { decimalScale, POWERS_OF_TEN, UNIQUE_MANTISSA } from './shortDecimal.ts';

/** In `scales`: the value is no integer of a double at a scale; `unscaled` has it. */
export const NOT_EXACT = 255;
/** In `scales`: there is no value: null, NaN, or infinite. */
export const ABSENT = 254;

const ROUNDER = 1.5 * 2 ** 52;

/** A double's shortest decimal form as an exact integer at a scale; further digits are rounded half away from zero. */
function unscaledOf(value: number, scale: number): bigint {
  const [coefficient = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = coefficient.split('.');
  const digits = BigInt(whole + fraction);
  const shift = scale + Number(exponent) - fraction.length;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  return roundedQuotient(digits, 10n ** BigInt(-shift));
}

/** Rounded half away from zero. */
export function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return (dividend + (dividend < 0n ? -half : half)) / divisor;
}

/** The values of a column as exact decimals: `mantissas[i]` / 10^`scales[i]`. One is reused for chunk after chunk. */
export class ScaledColumn {
  values: Float64Array = new Float64Array(0);
  mantissas = new Float64Array(0);
  scales = new Uint8Array(0);
  readonly #highestScale: number;
  #hint = 0;
  #decimals: DecimalColumn | null = null;

  /** Values with more decimals than `highestScale` count as not exact. */
  constructor(highestScale: number) {
    this.#highestScale = highestScale;
  }

  read(column: NumberColumn | DecimalColumn): void {
    this.#decimals = column.kind === 'decimal' ? column : null;
    if (column.kind === 'decimal') this.#readDecimals(column);
    else this.#readNumbers(column);
  }

  /** A value at a scale; digits beyond it are rounded half away from zero. */
  unscaled(row: number, scale: number): bigint {
    const decimals = this.#decimals;
    if (decimals === null) return unscaledOf(this.values[row] as number, scale);
    const unscaled = readDecimal(decimals.bytes, row * DECIMAL_BYTES);
    const shift = BigInt(scale - decimals.scale);
    return shift >= 0n ? unscaled * 10n ** shift : roundedQuotient(unscaled, 10n ** -shift);
  }

  #readDecimals({ bytes, nulls, scale }: DecimalColumn): void {
    const count = bytes.length / DECIMAL_BYTES;
    this.#reserve(count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++) {
      const mantissa = readSafeDecimal(view, i * DECIMAL_BYTES);
      this.mantissas[i] = mantissa;
      this.scales[i] = nulls?.[i] === 1 ? ABSENT : Number.isNaN(mantissa) ? NOT_EXACT : scale;
    }
  }

  #reserve(count: number): void {
    if (this.mantissas.length >= count) return;
    this.mantissas = new Float64Array(count);
    this.scales = new Uint8Array(count);
  }

  #readNumbers({ values, nulls }: NumberColumn): void {
    this.values = values;
    this.#reserve(values.length);
    const { mantissas, scales } = this;
    let next = 0;
    while (next < values.length) {
      next = readExact(values, mantissas, scales, next, this.#hint);
      if (next < values.length) this.#readOther(next++);
    }
    if (nulls !== undefined) for (let i = 0; i < nulls.length; i++) if (nulls[i] === 1) scales[i] = ABSENT;
  }

  /** A value that has not the scale of the one before. */
  #readOther(row: number): void {
    const value = this.values[row] as number;
    const scale = decimalScale(value);
    if (scale < 0 || scale > this.#highestScale) {
      this.mantissas[row] = 0;
      this.scales[row] = Number.isFinite(value) ? NOT_EXACT : ABSENT;
      return;
    }
    this.#hint = scale;
    this.mantissas[row] = Math.round(value * (POWERS_OF_TEN[scale] as number));
    this.scales[row] = scale;
  }

  /** Takes no value where another column has none. */
  leaveOut(other: ScaledColumn): void {
    for (let i = 0; i < this.values.length; i++) if (other.scales[i] === ABSENT) this.scales[i] = ABSENT;
  }
}

/** Reads values from `from` on for as long as the scale is exact for them. Returns the index of the first for which it is not. */
function readExact(
  values: Float64Array,
  mantissas: Float64Array,
  scales: Uint8Array,
  from: number,
  scale: number,
): number {
  const power = POWERS_OF_TEN[scale] as number;
  // An import that is used in a loop is read again each time.
  const most = UNIQUE_MANTISSA;
  for (let i = from; i < values.length; i++) {
    const value = values[i] as number;
    // The nearest whole number, of a product below 2^51.
    const mantissa = value * power + ROUNDER - ROUNDER;
    if (mantissa / power !== value || mantissa > most || mantissa < -most) return i;
    mantissas[i] = mantissa;
    scales[i] = scale;
  }
  return values.length;
}
