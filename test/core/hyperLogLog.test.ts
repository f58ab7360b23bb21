import { describe, expect, it } from 'vitest';
import { addToRegisters, estimate, mergeRegisters, type Registers } from '../../src/core/hyperLogLog.ts';
import { murmur3 } from '../../src/core/murmur3.ts';

/** Of 2^14 registers. */
const STANDARD_ERROR = 1.04 / 2 ** 7;
const STREAMS = 30;

const bytesOf = (text: string) => new TextEncoder().encode(text);

function sketchOf(texts: readonly string[]): Registers {
  return texts.reduce<Registers>((registers, text) => addToRegisters(registers, bytesOf(text)), new Map());
}

describe('HyperLogLog', () => {
  it.each([10, 300, 3_000, 20_000, 60_000])('estimates %i values within its published error', (count) => {
    let squares = 0;
    for (let stream = 0; stream < STREAMS; stream++) {
      let registers: Registers = new Map();
      for (let i = 0; i < count; i++) registers = addToRegisters(registers, bytesOf(`${stream}:${i}`));
      const error = estimate(registers) / count - 1;
      expect(Math.abs(error)).toBeLessThan(4 * STANDARD_ERROR);
      squares += error ** 2;
    }
    expect(Math.sqrt(squares / STREAMS)).toBeLessThan(1.3 * STANDARD_ERROR);
  });

  it('counts a value once, and nothing in nothing', () => {
    expect(estimate(sketchOf(['a', 'b', 'a', 'a']))).toBe(2);
    expect(estimate(new Map())).toBe(0);
  });

  it.each([
    [100, 200],
    [100, 30_000],
    [30_000, 100],
    [5_000, 5_000],
  ])('merges %i and %i values to what both together give', (first, second) => {
    const texts = Array.from({ length: first + second }, (_, index) => `value ${index % 20_000}`);
    const [a, b] = [texts.slice(0, first), texts.slice(first)];
    expect(estimate(mergeRegisters(sketchOf(a), sketchOf(b)))).toBe(estimate(sketchOf(texts)));
    expect(estimate(mergeRegisters(sketchOf(b), sketchOf(a)))).toBe(estimate(sketchOf(texts)));
  });
});

describe('murmur3', () => {
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('of %j with seed %i is as published', (text, seed, hash) => {
    expect(murmur3(bytesOf(text), seed)).toBe(hash);
  });
});
