/** Of the baseline: what it knows of its ticks. Prices have at most 5 decimals, sizes at most 6. */
const PRICE_UNITS = 1e5;
const SIZE_UNITS = 1e6;
const NOTIONAL_DECIMALS = 11;
const VOLUME_DECIMALS = 6;
/** From units of volume to units of notional. */
const VOLUME_TO_NOTIONAL = 1e5;
const BITS_OF_QUOTIENT = 64;

/**
 * Exact sums of size and of price times size, in whole units. They run in doubles while those are exact and go over into a
 * bigint where they would not be: a bigint for each tick would take several times as long.
 */
export class ExactSums {
  #volume = 0;
  #notional = 0;
  #volumeBefore = 0n;
  #notionalBefore = 0n;

  add(price: number, size: number): void {
    const priceUnits = Math.round(price * PRICE_UNITS);
    const sizeUnits = Math.round(size * SIZE_UNITS);
    const volume = this.#volume + sizeUnits;
    if (volume <= Number.MAX_SAFE_INTEGER) {
      this.#volume = volume;
    } else {
      this.#volumeBefore += BigInt(this.#volume);
      this.#volume = sizeUnits;
    }
    const product = priceUnits * sizeUnits;
    if (product > Number.MAX_SAFE_INTEGER) {
      this.#notionalBefore += BigInt(priceUnits) * BigInt(sizeUnits);
      return;
    }
    const notional = this.#notional + product;
    if (notional <= Number.MAX_SAFE_INTEGER) {
      this.#notional = notional;
    } else {
      this.#notionalBefore += BigInt(this.#notional);
      this.#notional = product;
    }
  }

  /** Adds another's sums. */
  merge(other: ExactSums): void {
    this.#volumeBefore += other.volume;
    this.#notionalBefore += other.notional;
  }

  get volume(): bigint {
    return this.#volumeBefore + BigInt(this.#volume);
  }

  get notional(): bigint {
    return this.#notionalBefore + BigInt(this.#notional);
  }

  /** The double nearest to notional / volume. */
  get vwap(): number | null {
    const { volume, notional } = this;
    if (volume === 0n) return null;
    const divisor = volume * BigInt(VOLUME_TO_NOTIONAL);
    // Of two integers that are exact as doubles the quotient is rounded right (IEEE 754).
    if (notional <= BigInt(Number.MAX_SAFE_INTEGER) && divisor <= BigInt(Number.MAX_SAFE_INTEGER)) {
      return Number(notional) / Number(divisor);
    }
    const shift = BITS_OF_QUOTIENT + divisor.toString(2).length - notional.toString(2).length;
    const scaled = notional << BigInt(Math.max(0, shift));
    const quotient = scaled / divisor;
    // What is left over counts in the last bit, far below where the double is rounded.
    const sticky = quotient * divisor === scaled ? 0n : 1n;
    return Number(quotient | sticky) / 2 ** Math.max(0, shift);
  }
}

/** Volume as plain decimal text. */
export function volumeText(volume: bigint): string {
  return decimalText(volume, VOLUME_DECIMALS);
}

/** Notional as plain decimal text. */
export function notionalText(notional: bigint): string {
  return decimalText(notional, NOTIONAL_DECIMALS);
}

function decimalText(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -decimals) : `${digits.slice(0, -decimals)}.${fraction}`;
}
