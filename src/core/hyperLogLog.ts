import { murmur3 } from './murmur3.ts';

/** Registers: 2^14, for a standard error of 1.04 / sqrt(2^14), 0.81% (Flajolet et al., "HyperLogLog", 2007). */
const REGISTER_BITS = 14;
const REGISTERS = 2 ** REGISTER_BITS;
/** Bits of a hash that are left for the rank: 32 - 14 of its first half, and its second half. */
const REST_BITS = 18;
const RANK_BITS = REST_BITS + 32;
/** Up to here a sketch is the map of its registers that are not 0. */
const MOST_SPARSE = 1_024;
const SECOND_SEED = 0x9747b28c;

/** The registers of a sketch: by number while they are few, and all of them after that. */
export type Registers = Map<number, number> | Uint8Array;

/** Adds a value's bytes. Returns the registers, which may be others than those given. */
export function addToRegisters(registers: Registers, bytes: Uint8Array): Registers {
  const first = murmur3(bytes, 0);
  const rest = first & (2 ** REST_BITS - 1);
  const zeros = rest === 0 ? REST_BITS + Math.clz32(murmur3(bytes, SECOND_SEED)) : Math.clz32(rest) - (32 - REST_BITS);
  return raise(registers, first >>> REST_BITS, zeros + 1);
}

/** Adds all that another sketch has seen. Returns the registers, which may be others than those given. */
export function mergeRegisters(into: Registers, from: Registers): Registers {
  let merged = into;
  if (from instanceof Map) for (const [register, rank] of from) merged = raise(merged, register, rank);
  else
    for (let register = 0; register < REGISTERS; register++) merged = raise(merged, register, from[register] as number);
  return merged;
}

/**
 * How many different values were added, about: the improved estimator of O. Ertl ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017, algorithm 6), which is unbiased over the whole range and needs no tables.
 */
export function estimate(registers: Registers): number {
  const counts = new Float64Array(RANK_BITS + 2);
  for (const rank of registers.values()) (counts[rank] as number)++;
  if (registers instanceof Map) counts[0] = REGISTERS - registers.size;
  let z = REGISTERS * tau(1 - (counts[RANK_BITS + 1] as number) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] as number));
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS);
  return Math.round((REGISTERS * REGISTERS) / (2 * Math.LN2 * z));
}

function raise(registers: Registers, register: number, rank: number): Registers {
  if (registers instanceof Uint8Array) {
    if (rank > (registers[register] as number)) registers[register] = rank;
    return registers;
  }
  if (rank > (registers.get(register) ?? 0)) registers.set(register, rank);
  if (registers.size <= MOST_SPARSE) return registers;
  const dense = new Uint8Array(REGISTERS);
  for (const [held, heldRank] of registers) dense[held] = heldRank;
  return dense;
}

function sigma(start: number): number {
  if (start === 1) return Number.POSITIVE_INFINITY;
  let x = start;
  let y = 1;
  let z = x;
  for (let last = Number.NaN; z !== last; ) {
    x *= x;
    last = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let x = start;
  let y = 1;
  let z = 1 - x;
  for (let last = Number.NaN; z !== last; ) {
    x = Math.sqrt(x);
    last = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
