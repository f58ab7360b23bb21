import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../src/core/murmur2.ts';

/** From Kafka's own `UtilsTest.testMurmur2`. */
const PUBLISHED: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  it.each(PUBLISHED)('hashes %s as Kafka does', (text, hash) => {
    const bytes = Buffer.from(text);
    expect(murmur2(bytes, 0, bytes.length)).toBe(hash);
  });

  it('hashes a range of a larger buffer as it hashes the range alone', () => {
    const bytes = Buffer.from('..foobar..');
    expect(murmur2(bytes, 2, 8)).toBe(-790332482);
  });
});

describe('partitionOf', () => {
  it('clears the sign bit before it takes the remainder', () => {
    const bytes = Buffer.from('foobar');
    expect(partitionOf(bytes, 0, bytes.length, 4)).toBe((-790332482 & 0x7fffffff) % 4);
    expect(partitionOf(Buffer.from('abc'), 0, 3, 10)).toBe(479470107 % 10);
  });
});
