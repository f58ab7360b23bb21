import { POWERS_OF_TEN } from './shortDecimal.ts';

const TEN = 10n;
const HALF_OF_SAFE = Number.MAX_SAFE_INTEGER / 2;

/** A double's shortest decimal form as an exact integer at a scale; further digits are rounded half away from zero. */
function unscaledOf(value: number, scale: number): bigint {
  const [coefficient = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = coefficient.split('.');
  const digits = BigInt(whole + fraction);
  const shift = scale + Number(exponent) - fraction.length;
  if (shift >= 0) return digits * TEN ** BigInt(shift);
  const divisor = TEN ** BigInt(-shift);
  const half = digits < 0n ? -divisor / 2n : divisor / 2n;
  return (digits + half) / divisor;
}

/**
 * Exact decimal sums, one a slot. A slot holds a running integer in a double at the scale of its latest values, and moves
 * it into a bigint only when it would pass 2^53, so the common case is one multiplication-free addition.
 * Results have one fixed scale; digits beyond it are rounded (never the case for ticks, whose prices and sizes have at
 * most 18 decimals).
 */
export class DecimalSums {
  readonly #scale: number;
  #running = new Float64Array(256);
  #runningScale = new Uint8Array(256);
  readonly #spilled = new Map<number, bigint>();

  constructor(scale: number) {
    this.#scale = scale;
  }

  reserve(slots: number): void {
    if (slots <= this.#running.length) return;
    const size = Math.max(slots, this.#running.length * 2);
    const running = new Float64Array(size);
    running.set(this.#running);
    const scales = new Uint8Array(size);
    scales.set(this.#runningScale);
    this.#running = running;
    this.#runningScale = scales;
  }

  /** Adds `mantissa` / 10^`scale`. The mantissa is a safe integer and the scale at most the sum's own. */
  add(slot: number, mantissa: number, scale: number): void {
    if (this.#runningScale[slot] === scale) {
      const sum = (this.#running[slot] as number) + mantissa;
      if (sum <= Number.MAX_SAFE_INTEGER && sum >= Number.MIN_SAFE_INTEGER) {
        this.#running[slot] = sum;
        return;
      }
    }
    this.#addRescaled(slot, mantissa, scale);
  }

  /** Adds a value that has no exact mantissa and scale. */
  addDouble(slot: number, value: number): void {
    this.#spill(slot, unscaledOf(value, this.#scale));
  }

  /** Adds `a` / 10^`scaleA` times `b` / 10^`scaleB`. */
  addProduct(slot: number, a: number, scaleA: number, b: number, scaleB: number): void {
    const product = a * b;
    if (product <= Number.MAX_SAFE_INTEGER && product >= Number.MIN_SAFE_INTEGER) {
      this.add(slot, product, scaleA + scaleB);
    } else {
      this.#spill(slot, BigInt(a) * BigInt(b) * TEN ** BigInt(this.#scale - scaleA - scaleB));
    }
  }

  /** Adds the product of two values of which at least one has no exact mantissa and scale. */
  addDoubleProduct(slot: number, a: number, b: number): void {
    const product = unscaledOf(a, this.#scale) * unscaledOf(b, this.#scale);
    const divisor = TEN ** BigInt(this.#scale);
    this.#spill(slot, (product + (product < 0n ? -divisor : divisor) / 2n) / divisor);
  }

  /** Adds the sum of `from` to `into`; `from` stays as it is. */
  merge(from: number, into: number): void {
    this.#spill(into, this.unscaled(from));
  }

  /** The sum as an integer at the fixed scale. */
  unscaled(slot: number): bigint {
    const running = this.#running[slot] as number;
    const spilled = this.#spilled.get(slot) ?? 0n;
    if (running === 0) return spilled;
    return spilled + BigInt(running) * TEN ** BigInt(this.#scale - (this.#runningScale[slot] as number));
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) {
      this.#running[slot] = 0;
      this.#runningScale[slot] = 0;
      if (this.#spilled.size > 0) this.#spilled.delete(slot);
    }
  }

  /** The sums of the slots, in their order. */
  snapshot(slots: Int32Array): readonly bigint[] {
    return Array.from(slots, (slot) => this.unscaled(slot));
  }

  /** Sets empty slots to sums that were saved. */
  restore(slots: Int32Array, saved: readonly bigint[]): void {
    slots.forEach((slot, index) => {
      this.#spill(slot, saved[index] ?? 0n);
    });
  }

  #addRescaled(slot: number, mantissa: number, scale: number): void {
    const running = this.#running[slot] as number;
    const runningScale = this.#runningScale[slot] as number;
    const common = Math.max(scale, runningScale);
    const held = running * (POWERS_OF_TEN[common - runningScale] ?? Number.NaN);
    const added = mantissa * (POWERS_OF_TEN[common - scale] ?? Number.NaN);
    if (Math.abs(held) <= HALF_OF_SAFE && Math.abs(added) <= HALF_OF_SAFE) {
      this.#running[slot] = held + added;
      this.#runningScale[slot] = common;
      return;
    }
    this.#spilled.set(slot, this.unscaled(slot));
    this.#running[slot] = mantissa;
    this.#runningScale[slot] = scale;
  }

  #spill(slot: number, unscaled: bigint): void {
    this.#spilled.set(slot, (this.#spilled.get(slot) ?? 0n) + unscaled);
  }
}
