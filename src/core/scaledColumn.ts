import type { NumberColumn } from './columns.ts';
import { decimalScale, POWERS_OF_TEN, UNIQUE_MANTISSA } from './shortDecimal.ts';

/** In `scales`: the value has no exact integer and scale. */
export const NOT_EXACT = 255;
/** In `scales`: there is no value: null, NaN, or infinite. */
export const ABSENT = 254;

/** The values of a column as exact decimals: `mantissas[i]` / 10^`scales[i]`. One is reused for chunk after chunk. */
export class ScaledColumn {
  values: Float64Array = new Float64Array(0);
  mantissas = new Float64Array(0);
  scales = new Uint8Array(0);
  readonly #highestScale: number;
  #hint = 0;

  /** Values with more decimals than `highestScale` count as not exact. */
  constructor(highestScale: number) {
    this.#highestScale = highestScale;
  }

  read(column: NumberColumn): void {
    const { values, nulls } = column;
    this.values = values;
    if (this.mantissas.length < values.length) {
      this.mantissas = new Float64Array(values.length);
      this.scales = new Uint8Array(values.length);
    }
    const { mantissas, scales } = this;
    let hint = this.#hint;
    let power = POWERS_OF_TEN[hint] as number;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      const mantissa = Math.round(value * power);
      if (mantissa / power === value && mantissa <= UNIQUE_MANTISSA && mantissa >= -UNIQUE_MANTISSA) {
        mantissas[i] = mantissa;
        scales[i] = hint;
        continue;
      }
      const scale = decimalScale(value);
      if (scale < 0 || scale > this.#highestScale) {
        mantissas[i] = 0;
        scales[i] = Number.isFinite(value) ? NOT_EXACT : ABSENT;
        continue;
      }
      hint = scale;
      power = POWERS_OF_TEN[hint] as number;
      mantissas[i] = Math.round(value * power);
      scales[i] = scale;
    }
    this.#hint = hint;
    if (nulls !== undefined) for (let i = 0; i < nulls.length; i++) if (nulls[i] === 1) scales[i] = ABSENT;
  }

  /** Takes no value where another column has none. */
  leaveOut(other: ScaledColumn): void {
    for (let i = 0; i < this.values.length; i++) if (other.scales[i] === ABSENT) this.scales[i] = ABSENT;
  }
}
