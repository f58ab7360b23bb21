import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor } from '../../../src/core/avro/cursor.ts';

const READS: readonly ((cursor: Cursor) => unknown)[] = [
  (cursor) => cursor.long(),
  (cursor) => cursor.int(),
  (cursor) => cursor.millisAsMicros(),
  (cursor) => cursor.float(),
  (cursor) => cursor.double(),
  (cursor) => cursor.boolean(),
  (cursor) => cursor.index(2),
  (cursor) => cursor.length(),
  (cursor) => cursor.skip(3),
  (cursor) => cursor.skipLong(),
  (cursor) => cursor.skipBytes(),
];

describe('Cursor', () => {
  it('never leaves its value, and gives 0 after a fault', () => {
    const data = fc.oneof(fc.uint8Array({ minLength: 8, maxLength: 24 }), fc.constant(new Uint8Array(24).fill(0x80)));
    fc.assert(
      fc.property(data, fc.nat(7), fc.nat(8), fc.array(fc.constantFrom(...READS)), (bytes, start, size, reads) => {
        const end = Math.min(bytes.length, start + size);
        const cursor = new Cursor(bytes);
        cursor.open(start, end);
        for (const read of reads) {
          const failed = cursor.fault !== null;
          const value = read(cursor);
          expect(cursor.position).toBeLessThanOrEqual(end);
          if (failed) {
            expect(value ?? 0).toBe(0);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
