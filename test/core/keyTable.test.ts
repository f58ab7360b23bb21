import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../src/core/keyTable.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function intern(table: KeyTable, key: string): number {
  const bytes = encoder.encode(`--${key}--`);
  return table.intern(bytes, 2, bytes.length - 2);
}

/** Short keys, keys that differ at their ends, and keys that do not. */
const NAMING = fc.constantFrom(
  (i: number) => `key-${i}`,
  (i: number) => `market:instrument-${i}`,
  (i: number) => `room-${i}/temperature`,
);

describe('the key table', () => {
  it('gives one id a key, as long as it is referred to', () => {
    const keys = fc.constantFrom(...Array.from({ length: 60 }, (_, i) => `key-${i}`), '', 'ключ');
    const steps = fc.array(fc.tuple(fc.constantFrom('intern', 'retain', 'release', 'sweep'), keys), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (taken) => {
        const table = new KeyTable();
        const held = new Map<string, { id: number; references: number }>();
        for (const [step, key] of taken) {
          const entry = held.get(key);
          if (step === 'sweep') {
            table.sweep();
            for (const [other, { references }] of held) if (references === 0) held.delete(other);
          } else if (step === 'intern' || entry === undefined) {
            const id = intern(table, key);
            if (entry !== undefined) expect(id).toBe(entry.id);
            held.set(key, entry ?? { id, references: 0 });
          } else if (step === 'retain') {
            table.retain(entry.id);
            entry.references++;
          } else if (entry.references > 0) {
            table.release(entry.id);
            entry.references--;
          }
          expect(table.size).toBe(held.size);
          const ids = [...held.values()].map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
        }
        for (const [key, { id }] of held) {
          expect(intern(table, key)).toBe(id);
          expect(decoder.decode(table.bytesOf(id))).toBe(key);
        }
        const { bytes, offsets } = table.column(Int32Array.from(held.values(), ({ id }) => id));
        const texts = Array.from({ length: held.size }, (_, i) =>
          decoder.decode(bytes.slice(offsets[i], offsets[i + 1])),
        );
        expect(texts).toEqual([...held.keys()]);
      }),
    );
  });

  it('tells keys apart while most of them come and go', () => {
    const table = new KeyTable();
    const kept = Array.from({ length: 40 }, (_, i) => `kept key ${i}`);
    const ids = kept.map((key) => {
      const id = intern(table, key);
      table.retain(id);
      return id;
    });
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 100; i++) intern(table, `key ${i} of round ${round}`);
      table.sweep();
      expect(table.size).toBe(kept.length);
      expect(kept.map((key) => intern(table, key))).toEqual(ids);
    }
  });

  it('keeps the ids of referenced keys over a snapshot, and those alone', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 1_500 }), { maxLength: 1_200, size: 'max' });
    fc.assert(
      fc.property(numbers, fc.nat({ max: 4 }), NAMING, (named, every, nameOf) => {
        const names = named.map(nameOf);
        const table = new KeyTable();
        const ids = names.map((name) => intern(table, name));
        const isKept = (i: number) => i % (every + 1) === 0;
        for (let i = 0; i < ids.length; i++) if (isKept(i)) table.retain(ids[i] as number);
        const copy = new KeyTable();
        copy.restore(structuredClone(table.snapshot()));
        const kept = names.filter((_, i) => isKept(i));
        expect(copy.size).toBe(kept.length);
        const before = kept.map((name) => ids[names.indexOf(name)]);
        expect(kept.map((name) => intern(copy, name))).toEqual(before);
        const others = names.filter((_, i) => !isKept(i)).map((name) => intern(copy, name));
        expect(new Set([...others, ...before]).size).toBe(names.length);
        copy.sweep();
        expect(copy.size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('reuses the ids that were given back', () => {
    const table = new KeyTable();
    for (let i = 0; i < 10_000; i++) {
      intern(table, `once-${i}`);
      table.sweep();
    }
    expect(table.capacity).toBeLessThan(10);
    expect(table.size).toBe(0);
  });

  it('grows, whether keys differ at their ends or not', () => {
    fc.assert(
      fc.property(NAMING, (nameOf) => {
        const table = new KeyTable();
        const ids = Array.from({ length: 5_000 }, (_, i) => intern(table, nameOf(i)));
        expect(new Set(ids).size).toBe(5_000);
        expect(ids.map((_, i) => intern(table, nameOf(i)))).toEqual(ids);
      }),
      { numRuns: 10 },
    );
  });
});
