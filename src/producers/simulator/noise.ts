/** An even spread of 32 bits over their neighbours (the `lowbias32` finalizer of https://nullprogram.com/blog/2018/07/31/). */
function scramble(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

const UNIT = 2 ** -32;
const GOLDEN = 0x9e3779b9;

/**
 * Random numbers by place instead of by order: the same (seed, place, stream) gives the same number, so that any tick can be
 * made without those before it. Uniform in [0, 1).
 */
export function randomAt(seed: number, place: number, stream: number): number {
  const high = Math.floor(place / 2 ** 32);
  return scramble(scramble(scramble(seed ^ Math.imul(stream, GOLDEN)) ^ high) ^ (place >>> 0)) * UNIT;
}

const SHORTEST_PERIOD = 64;
const OCTAVES = 9;
const PERIOD_RATIO = 4;

/** Highest absolute value of `walkAt`: the sum of the octaves' amplitudes. */
export const WALK_BOUND = 2 ** OCTAVES - 1;

/**
 * A random walk in closed form: a sum of octaves of value noise, each four times as long as the one before and twice as
 * high, as a walk's distance grows with the square root of time. In [-WALK_BOUND, WALK_BOUND].
 */
export function walkAt(seed: number, place: number, stream: number): number {
  let walk = 0;
  let period = SHORTEST_PERIOD;
  let amplitude = 1;
  for (let octave = 0; octave < OCTAVES; octave++) {
    const knot = Math.floor(place / period);
    const octaveSeed = seed + octave;
    const before = randomAt(octaveSeed, knot, stream);
    const after = randomAt(octaveSeed, knot + 1, stream);
    walk += amplitude * (2 * (before + (after - before) * (place / period - knot)) - 1);
    period *= PERIOD_RATIO;
    amplitude *= 2;
  }
  return walk;
}
