const LIMB = 2 ** 24;
const LIMB_BITS = 24;
/** Limbs of 256 bits, rounded up to whole groups of 96 bits. */
const LIMBS = 12;
const WORDS = 8;
/** The largest power of ten below a limb, so that a product of limb and step is exact in a double. */
const STEP_DIGITS = 7;
const STEPS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

const limbs = new Float64Array(LIMBS);

/**
 * Writes (high * 2^48 + low) * 10^power as a decimal's 32 bytes (two's complement, little endian), without a bigint: `high`
 * and `low` are safe integers of any sign. The product must fit 255 bits.
 */
export function writeDecimalPair(view: DataView, at: number, high: number, low: number, power: number): void {
  const isNegative = setLimbs(high, low);
  let used = 5;
  for (let left = power; left > 0; left -= STEP_DIGITS) used = multiplyLimbs(used, Math.min(left, STEP_DIGITS));
  let borrow = isNegative ? 1 : 0;
  for (let word = 0, limb = 0; word < WORDS; word++) {
    // Three words of 32 bits are four limbs.
    const offset = (word % 3) * 8;
    let bits = ((limbs[limb] as number) >>> offset) | ((limbs[limb + 1] as number) << (LIMB_BITS - offset));
    limb += word % 3 === 2 ? 2 : 1;
    if (isNegative) {
      bits = ~bits + borrow;
      if (bits !== 0) borrow = 0;
    }
    view.setInt32(at + word * 4, bits, true);
  }
}

/** Sets the limbs to the magnitude; whether the number is below zero. */
function setLimbs(high: number, low: number): boolean {
  const carry = Math.floor(low / (LIMB * LIMB));
  let top = high + carry;
  let rest = low - carry * LIMB * LIMB;
  const isNegative = top < 0;
  if (isNegative) {
    // -(top, rest), with 0 <= rest < 2^48 again.
    top = rest === 0 ? -top : -top - 1;
    rest = rest === 0 ? 0 : LIMB * LIMB - rest;
  }
  limbs.fill(0);
  const middle = Math.floor(rest / LIMB);
  limbs[0] = rest - middle * LIMB;
  limbs[1] = middle;
  const upper = Math.floor(top / LIMB);
  limbs[2] = top - upper * LIMB;
  limbs[4] = Math.floor(upper / LIMB);
  limbs[3] = upper - (limbs[4] as number) * LIMB;
  return isNegative;
}

/** Multiplies by 10^digits; how many limbs are in use then. */
function multiplyLimbs(used: number, digits: number): number {
  const factor = STEPS[digits] as number;
  let carry = 0;
  for (let i = 0; i < used; i++) {
    const product = (limbs[i] as number) * factor + carry;
    carry = Math.floor(product / LIMB);
    limbs[i] = product - carry * LIMB;
  }
  if (carry === 0) return used;
  limbs[used] = carry;
  return used + 1;
}
