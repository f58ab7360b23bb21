import type { NumberColumn } from './columns.ts';
import { decimalScale, POWERS_OF_TEN } from './shortDecimal.ts';

/** In `scales`: the value has no exact integer and scale. */
export const NOT_EXACT = 255;

/** The values of a column as exact decimals: `mantissas[i]` / 10^`scales[i]`. One is reused for chunk after chunk. */
export class ScaledColumn {
  mantissas = new Float64Array(0);
  scales = new Uint8Array(0);
  readonly #highestScale: number;
  #hint = 0;

  /** Values with more decimals than `highestScale` count as not exact. */
  constructor(highestScale: number) {
    this.#highestScale = highestScale;
  }

  read(column: NumberColumn): void {
    const { values } = column;
    if (this.mantissas.length < values.length) {
      this.mantissas = new Float64Array(values.length);
      this.scales = new Uint8Array(values.length);
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      const scale = decimalScale(value, this.#hint);
      if (scale < 0 || scale > this.#highestScale) {
        this.scales[i] = NOT_EXACT;
        continue;
      }
      this.#hint = scale;
      this.scales[i] = scale;
      this.mantissas[i] = Math.round(value * (POWERS_OF_TEN[scale] as number));
    }
  }
}
