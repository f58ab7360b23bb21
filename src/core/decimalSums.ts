import type { DecimalColumn } from './columns.ts';
import { DECIMAL_BYTES, writeDecimal } from './decimalBytes.ts';
import { writeDecimalPair } from './decimalLimbs.ts';
import { nearestRatio, productError, sumError } from './exactArithmetic.ts';
import { nearestQuotient } from './quotient.ts';
import { ABSENT, NOT_EXACT, roundedQuotient, type ScaledColumn } from './scaledColumn.ts';
import { POWERS_OF_TEN } from './shortDecimal.ts';
import { DROP, SHOW, type Slides, TAKE } from './slides.ts';
import { type SlotPart, SlotRecords } from './slotRecords.ts';

const TEN = 10n;
/** A sum is (high * 2^48 + low) / 10^scale. */
const LOW = 0;
const HIGH = 1;
const SCALE = 2;
/** Values added. */
const COUNT = 3;
const WIDTH = 4;
const HIGH_UNIT = 2 ** 48;
const MOST = Number.MAX_SAFE_INTEGER;
/** Up to here an integer in two doubles is split into high and low exactly. */
const MOST_PRODUCT = 2 ** 100;
/** Digits of a result: what a decimal column of 32 bytes holds. */
export const DECIMAL_PRECISION = 76;
const LIMIT = TEN ** BigInt(DECIMAL_PRECISION);

/**
 * Exact decimal sums and counts, one a slot. A sum is an integer in two doubles, 101 bits, at the scale of its values, so
 * the common case is one addition; what does not fit (values of very different scales) goes into a bigint beside it.
 * Results have one fixed scale; digits beyond it are rounded, value by value.
 */
export class DecimalSums implements SlotPart {
  readonly #scale: number;
  readonly #records = new SlotRecords(WIDTH);
  readonly #spilled = new Map<number, bigint>();
  /** What `#scaleUp` gives. */
  #high = 0;
  #low = 0;

  /** @param scale decimals of the results; 36 at most where they are written as columns */
  constructor(scale: number) {
    this.#scale = scale;
  }

  reserve(capacity: number): boolean {
    return this.#records.reserve(capacity);
  }

  clear(slots: Int32Array): void {
    this.#records.clear(slots);
    if (this.#spilled.size > 0) for (const slot of slots) this.#spilled.delete(slot);
  }

  snapshot(slots: Int32Array): { readonly records: Float64Array; readonly spilled: ReadonlyMap<number, bigint> } {
    const spilled = new Map<number, bigint>();
    slots.forEach((slot, index) => {
      const rest = this.#spilled.get(slot);
      if (rest !== undefined) spilled.set(index, rest);
    });
    return { records: this.#records.snapshot(slots), spilled };
  }

  restore(slots: Int32Array, saved: ReturnType<DecimalSums['snapshot']>): void {
    this.#records.restore(slots, saved.records);
    for (const [index, rest] of saved.spilled) this.#spilled.set(slots[index] as number, rest);
  }

  /** Adds the column's value of row `rows[i]` to `slots[i]`, for each i from `from` to `to`; a negative slot is none. */
  addColumn(rows: Int32Array, slots: Int32Array, from: number, to: number, column: ScaledColumn): void {
    const records = this.#records.values;
    const { mantissas, scales } = column;
    const absent = ABSENT;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0) continue;
      const row = rows[i] as number;
      const at = slot * WIDTH;
      const sum = (records[at + LOW] as number) + (mantissas[row] as number);
      if (scales[row] === records[at + SCALE] && sum <= MOST && sum >= -MOST) {
        records[at + LOW] = sum;
        (records[at + COUNT] as number)++;
      } else if (records[at + COUNT] === 0 && (scales[row] as number) < absent) {
        records[at + LOW] = mantissas[row] as number;
        records[at + SCALE] = scales[row] as number;
        records[at + COUNT] = 1;
      } else if (scales[row] !== absent) {
        (records[at + COUNT] as number)++;
        this.#addValue(slot, column, row);
      }
    }
  }

  /** Adds the products of two columns' values in the same way; there is none where one of them is absent. */
  addProducts(rows: Int32Array, slots: Int32Array, from: number, to: number, a: ScaledColumn, b: ScaledColumn): void {
    const records = this.#records.values;
    const { mantissas: mantissasA, scales: scalesA } = a;
    const { mantissas: mantissasB, scales: scalesB } = b;
    const absent = ABSENT;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (slot < 0) continue;
      const row = rows[i] as number;
      const at = slot * WIDTH;
      const product = (mantissasA[row] as number) * (mantissasB[row] as number);
      const sum = (records[at + LOW] as number) + product;
      const scale = (scalesA[row] as number) + (scalesB[row] as number);
      const isExact = product <= MOST && product >= -MOST && sum <= MOST && sum >= -MOST;
      if (isExact && scale === records[at + SCALE]) {
        records[at + LOW] = sum;
        (records[at + COUNT] as number)++;
      } else if (isExact && records[at + COUNT] === 0 && scale < absent) {
        records[at + LOW] = product;
        records[at + SCALE] = scale;
        records[at + COUNT] = 1;
      } else if (scalesA[row] !== absent && scalesB[row] !== absent) {
        (records[at + COUNT] as number)++;
        this.#addProduct(slot, a, b, row);
      }
    }
  }

  /** Adds the sum of slot `from[i]` to slot `into[i]`, for each i in turn; `from[i]` stays as it is. */
  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) this.#mergeSlot(from[i] as number, into[i] as number, 1);
  }

  /** Moves stretches of slots on: what comes is added, what leaves is taken away again. What they show goes to the slots from `out` on. */
  slide({ count, kinds, stretches, slots }: Slides, out: number): void {
    const records = this.#records.values;
    const most = MOST;
    const [take, drop, show] = [TAKE, DROP, SHOW];
    let shown = out * WIDTH;
    for (let i = 0; i < count; i++) {
      const kind = kinds[i];
      const target = (stretches[i] as number) * WIDTH;
      if (kind === show) {
        records[shown + LOW] = records[target + LOW] as number;
        records[shown + HIGH] = records[target + HIGH] as number;
        records[shown + SCALE] = records[target + SCALE] as number;
        records[shown + COUNT] = records[target + COUNT] as number;
        if (this.#spilled.size > 0) this.#copySpilled(target / WIDTH, shown / WIDTH);
        shown += WIDTH;
      } else if (kind === take || kind === drop) {
        const source = (slots[i] as number) * WIDTH;
        const sign = kind === take ? 1 : -1;
        const counted = (records[target + COUNT] as number) + sign * (records[source + COUNT] as number);
        const low = (records[target + LOW] as number) + sign * (records[source + LOW] as number);
        const isPlain = records[source + HIGH] === 0 && records[source + SCALE] === records[target + SCALE];
        if (isPlain && counted > 0 && low <= most && low >= -most && this.#spilled.size === 0) {
          records[target + LOW] = low;
          records[target + COUNT] = counted;
        } else {
          this.#mergeSlot(source / WIDTH, target / WIDTH, sign);
          // Its scale and what was spilled are of values that have left.
          if (counted === 0) this.#clearSlot(target / WIDTH);
        }
      } else {
        this.#clearSlot(target / WIDTH);
      }
    }
  }

  #clearSlot(slot: number): void {
    const records = this.#records.values;
    for (let k = 0; k < WIDTH; k++) records[slot * WIDTH + k] = 0;
    if (this.#spilled.size > 0) this.#spilled.delete(slot);
  }

  /** Adds the sum of one slot to another (`sign` 1), or takes it away again (-1). */
  #mergeSlot(from: number, into: number, sign: 1 | -1): void {
    const records = this.#records.values;
    const source = from * WIDTH;
    const target = into * WIDTH;
    const counted = records[source + COUNT] as number;
    if (counted === 0) return;
    const isEmpty = records[target + COUNT] === 0;
    const low = (records[target + LOW] as number) + sign * (records[source + LOW] as number);
    const high = (records[target + HIGH] as number) + sign * (records[source + HIGH] as number);
    const scale = records[source + SCALE] as number;
    (records[target + COUNT] as number) += sign * counted;
    if (isEmpty || (scale === records[target + SCALE] && Math.abs(low) <= MOST && Math.abs(high) <= MOST)) {
      records[target + LOW] = low;
      records[target + HIGH] = high;
      records[target + SCALE] = scale;
    } else {
      this.#addPair(into, sign * (records[source + HIGH] as number), sign * (records[source + LOW] as number), scale);
    }
    if (this.#spilled.size > 0) this.#mergeSpilled(from, into, sign);
  }

  count(slot: number): number {
    return this.#records.values[slot * WIDTH + COUNT] as number;
  }

  /** The sum as an integer at the fixed scale. */
  unscaled(slot: number): bigint {
    const at = slot * WIDTH;
    const records = this.#records.values;
    const scale = records[at + SCALE] as number;
    const running = this.#unscaledPair(records[at + HIGH] as number, records[at + LOW] as number, scale);
    return running + (this.#spilled.get(slot) ?? 0n);
  }

  /** The sums of slots as a column of the fixed scale; null where nothing was added, and where its digits do not hold a sum. */
  column(slots: Int32Array): DecimalColumn {
    const records = this.#records.values;
    const bytes = new Uint8Array(slots.length * DECIMAL_BYTES);
    const view = new DataView(bytes.buffer);
    const nulls = new Uint8Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const at = slot * WIDTH;
      if (records[at + COUNT] === 0) {
        nulls[i] = 1;
      } else if (this.#spilled.size > 0 && this.#spilled.has(slot)) {
        const unscaled = this.unscaled(slot);
        if (unscaled < LIMIT && unscaled > -LIMIT) writeDecimal(bytes, i * DECIMAL_BYTES, unscaled);
        else nulls[i] = 1;
      } else {
        const power = this.#scale - (records[at + SCALE] as number);
        writeDecimalPair(view, i * DECIMAL_BYTES, records[at + HIGH] as number, records[at + LOW] as number, power);
      }
    }
    return { kind: 'decimal', precision: DECIMAL_PRECISION, scale: this.#scale, bytes, nulls };
  }

  /** The double nearest to this sum over the number of its values. */
  mean(slot: number): number {
    const count = this.count(slot);
    const mean = this.#ratioOf(slot, count, 0, 0);
    if (!Number.isNaN(mean)) return mean;
    return nearestQuotient(this.unscaled(slot), BigInt(count) * TEN ** BigInt(this.#scale));
  }

  /** The double nearest to this sum over another, which is not 0. */
  ratio(slot: number, other: DecimalSums): number {
    const at = slot * WIDTH;
    const records = other.#records.values;
    const hasSpilled = other.#spilled.size > 0 && other.#spilled.has(slot);
    const high = (records[at + HIGH] as number) * HIGH_UNIT;
    const low = records[at + LOW] as number;
    const divisor = high + low;
    const error = sumError(high, low, divisor);
    const ratio = hasSpilled ? Number.NaN : this.#ratioOf(slot, divisor, error, records[at + SCALE] as number);
    if (!Number.isNaN(ratio)) return ratio;
    const numerator = this.unscaled(slot) * TEN ** BigInt(other.#scale);
    return nearestQuotient(numerator, other.unscaled(slot) * TEN ** BigInt(this.#scale));
  }

  isZero(slot: number): boolean {
    const at = slot * WIDTH;
    const records = this.#records.values;
    if (this.#spilled.size > 0 && this.#spilled.has(slot)) return this.unscaled(slot) === 0n;
    return (records[at + HIGH] as number) * HIGH_UNIT + (records[at + LOW] as number) === 0;
  }

  /** The double nearest to the slot's sum over (d + dLow) / 10^dScale, or NaN when doubles do not tell. */
  #ratioOf(slot: number, d: number, dLow: number, dScale: number): number {
    const at = slot * WIDTH;
    const records = this.#records.values;
    const factor = POWERS_OF_TEN[(records[at + SCALE] as number) - dScale];
    if (factor === undefined || (this.#spilled.size > 0 && this.#spilled.has(slot))) return Number.NaN;
    const high = (records[at + HIGH] as number) * HIGH_UNIT;
    const low = records[at + LOW] as number;
    const sum = high + low;
    return nearestRatio(sum, sumError(high, low, sum), d, dLow, factor);
  }

  #addValue(slot: number, column: ScaledColumn, row: number): void {
    const scale = column.scales[row] as number;
    if (scale === NOT_EXACT) this.#spill(slot, column.unscaled(row, this.#scale));
    else this.#addPair(slot, 0, column.mantissas[row] as number, scale);
  }

  #addProduct(slot: number, a: ScaledColumn, b: ScaledColumn, row: number): void {
    const scaleA = a.scales[row] as number;
    const scaleB = b.scales[row] as number;
    const factorA = a.mantissas[row] as number;
    const factorB = b.mantissas[row] as number;
    const product = factorA * factorB;
    if (scaleA === NOT_EXACT || scaleB === NOT_EXACT) {
      const exact = a.unscaled(row, this.#scale) * b.unscaled(row, this.#scale);
      this.#spill(slot, roundedQuotient(exact, TEN ** BigInt(this.#scale)));
    } else if (Math.abs(product) < MOST_PRODUCT) {
      const high = Math.trunc(product / HIGH_UNIT);
      const low = product - high * HIGH_UNIT + productError(factorA, factorB, product);
      this.#addPair(slot, high, low, scaleA + scaleB);
    } else {
      this.#spill(slot, BigInt(factorA) * BigInt(factorB) * TEN ** BigInt(this.#scale - scaleA - scaleB));
    }
  }

  /** Adds (high * 2^48 + low) / 10^scale, all safe integers. */
  #addPair(slot: number, high: number, low: number, scale: number): void {
    if (high === 0 && low === 0) return;
    const at = slot * WIDTH;
    const records = this.#records.values;
    const isEmpty = records[at + HIGH] === 0 && records[at + LOW] === 0;
    const heldScale = isEmpty ? scale : (records[at + SCALE] as number);
    const common = Math.max(scale, heldScale);
    if (!this.#scaleUp(records[at + HIGH] as number, records[at + LOW] as number, common - heldScale)) {
      this.#spill(slot, this.#unscaledPair(records[at + HIGH] as number, records[at + LOW] as number, heldScale));
      this.#high = 0;
      this.#low = 0;
    }
    records[at + HIGH] = this.#high;
    records[at + LOW] = this.#low;
    records[at + SCALE] = common;
    const isScaled = this.#scaleUp(high, low, common - scale);
    if (isScaled && Math.abs((records[at + HIGH] as number) + this.#high) <= MOST) {
      // Both lows are below 2^49.
      (records[at + HIGH] as number) += this.#high;
      (records[at + LOW] as number) += this.#low;
    } else {
      this.#spill(slot, this.#unscaledPair(high, low, scale));
    }
  }

  /** Sets `#high` and `#low`, below 2^49, to the pair times 10^power; false when they cannot hold it. */
  #scaleUp(high: number, low: number, power: number): boolean {
    const factor = POWERS_OF_TEN[power] ?? Number.POSITIVE_INFINITY;
    const product = low * factor;
    if (Math.abs(high * factor) > MOST / 2 || !(Math.abs(product) < MOST_PRODUCT)) return false;
    const carry = Math.trunc(product / HIGH_UNIT);
    this.#high = high * factor + carry;
    this.#low = product - carry * HIGH_UNIT + productError(low, factor, product);
    return Math.abs(this.#high) <= MOST;
  }

  #unscaledPair(high: number, low: number, scale: number): bigint {
    return (BigInt(high) * BigInt(HIGH_UNIT) + BigInt(low)) * TEN ** BigInt(this.#scale - scale);
  }

  #mergeSpilled(from: number, into: number, sign: 1 | -1): void {
    const rest = this.#spilled.get(from);
    if (rest === undefined) return;
    this.#spill(into, BigInt(sign) * rest);
    if (this.#spilled.get(into) === 0n) this.#spilled.delete(into);
  }

  #copySpilled(from: number, into: number): void {
    const rest = this.#spilled.get(from);
    if (rest === undefined) this.#spilled.delete(into);
    else this.#spilled.set(into, rest);
  }

  #spill(slot: number, unscaled: bigint): void {
    this.#spilled.set(slot, (this.#spilled.get(slot) ?? 0n) + unscaled);
  }
}
