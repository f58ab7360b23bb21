const LIMB = 2 ** 24;
const LIMB_BITS = 24;
/** Limbs of 256 bits, rounded up to whole groups of 96 bits. */
const LIMBS = 12;
const WORDS = 8;
/** Limbs of the 101 bits of a pair, and of the highest power. */
const FACTOR_LIMBS = 5;
const MOST_POWER = 36;

const POWERS = Array.from({ length: MOST_POWER + 1 }, (_, power) => limbsOf(10n ** BigInt(power)));
const magnitude = new Float64Array(FACTOR_LIMBS);
const product = new Float64Array(LIMBS);

/**
 * Writes (high * 2^48 + low) * 10^power, with a power of at most 36, as a decimal's 32 bytes (two's complement, little endian),
 * without a bigint: `high` and `low` are safe integers of any sign. The bytes are 0 before.
 */
export function writeDecimalPair(view: DataView, at: number, high: number, low: number, power: number): void {
  const isNegative = setMagnitude(high, low);
  const used = setProduct(POWERS[power] as Float64Array);
  // Three words of 32 bits are four limbs.
  const words = isNegative ? WORDS : Math.ceil((used * 3) / 4);
  let borrow = isNegative ? 1 : 0;
  for (let word = 0, limb = 0; word < words; word++) {
    const offset = (word % 3) * 8;
    let bits = ((product[limb] as number) >>> offset) | ((product[limb + 1] as number) << (LIMB_BITS - offset));
    limb += word % 3 === 2 ? 2 : 1;
    if (isNegative) {
      bits = ~bits + borrow;
      if (bits !== 0) borrow = 0;
    }
    view.setInt32(at + word * 4, bits, true);
  }
}

function limbsOf(value: bigint): Float64Array {
  const limbs: number[] = [];
  for (let rest = value; rest > 0n; rest >>= BigInt(LIMB_BITS)) limbs.push(Number(BigInt.asUintN(LIMB_BITS, rest)));
  return Float64Array.from(limbs);
}

/** Sets the limbs to the magnitude; whether the number is below zero. */
function setMagnitude(high: number, low: number): boolean {
  const carry = Math.floor(low / (LIMB * LIMB));
  let top = high + carry;
  let rest = low - carry * LIMB * LIMB;
  const isNegative = top < 0;
  if (isNegative) {
    // -(top, rest), with 0 <= rest < 2^48 again.
    top = rest === 0 ? -top : -top - 1;
    rest = rest === 0 ? 0 : LIMB * LIMB - rest;
  }
  const middle = Math.floor(rest / LIMB);
  magnitude[0] = rest - middle * LIMB;
  magnitude[1] = middle;
  const upper = Math.floor(top / LIMB);
  magnitude[2] = top - upper * LIMB;
  magnitude[4] = Math.floor(upper / LIMB);
  magnitude[3] = upper - (magnitude[4] as number) * LIMB;
  return isNegative;
}

/** Sets the product of the magnitude and a power; how many limbs it may have. A limb of it is a sum of at most five products. */
function setProduct(power: Float64Array): number {
  let factors = FACTOR_LIMBS;
  while (factors > 0 && magnitude[factors - 1] === 0) factors--;
  const used = factors + power.length;
  let carry = 0;
  for (let limb = 0; limb < used; limb++) {
    const last = Math.min(limb, factors - 1);
    let sum = carry;
    for (let i = Math.max(0, limb - power.length + 1); i <= last; i++) {
      sum += (magnitude[i] as number) * (power[limb - i] as number);
    }
    carry = Math.floor(sum / LIMB);
    product[limb] = sum - carry * LIMB;
  }
  for (let limb = used; limb < LIMBS; limb++) product[limb] = 0;
  return used;
}
