import { expect, it } from 'vitest';
import type { Columns } from '../../src/core/columns.ts';
import { RowPool } from '../../src/core/rowPool.ts';
import type { FieldSchema } from '../../src/core/schema.ts';

const FIELDS: readonly FieldSchema[] = [
  { name: 'price', kind: 'double', nullable: true },
  { name: 'venue', kind: 'string', nullable: true },
];

/** Rows of a price each, or of none. */
function rowsOf(prices: readonly (number | null)[]): Columns {
  const nulls = Uint8Array.from(prices, (price) => (price === null ? 1 : 0));
  const offsets = new Int32Array(prices.length + 1);
  return {
    length: prices.length,
    byName: new Map([
      ['price', { kind: 'double', values: Float64Array.from(prices, (price) => price ?? 0), nulls }],
      ['venue', { kind: 'string', bytes: new Uint8Array(0), offsets, nulls: new Uint8Array(prices.length).fill(1) }],
    ]),
  };
}

function put(pool: RowPool, prices: readonly (number | null)[]): Int32Array {
  return pool.put(
    rowsOf(prices),
    Int32Array.from(prices, (_, row) => row),
  );
}

function pricesOf(pool: RowPool, slots: Int32Array): (number | null)[] {
  const price = pool.gather(slots).byName.get('price');
  if (price?.kind !== 'double') throw new TypeError('no prices');
  return Array.from(price.values, (value, row) => (price.nulls?.[row] === 1 ? null : value));
}

it('gives nulls back for rows that came before any had a value, and values for those after', () => {
  const pool = new RowPool(FIELDS);
  const before = put(pool, [null, null]);
  expect(pricesOf(pool, before)).toEqual([null, null]);
  const after = put(pool, [1.5, null]);
  expect(pricesOf(pool, Int32Array.of(...before, ...after, -1))).toEqual([null, null, 1.5, null, null]);
  expect(pool.gather(after).byName.get('venue')).toMatchObject({ kind: 'string', nulls: Uint8Array.of(1, 1) });
});

it('uses slots that were freed again, and no slot that is kept, however many rows come', () => {
  const pool = new RowPool(FIELDS);
  const kept = put(pool, [42]);
  for (let round = 0; round < 40; round++) {
    const prices = Array.from({ length: 100 * (round + 1) }, (_, row) => round * 10_000 + row);
    const slots = put(pool, prices);
    expect(pricesOf(pool, slots)).toEqual(prices);
    for (const slot of slots) pool.free(slot);
  }
  expect(pool.size).toBe(1);
  expect(pricesOf(pool, kept)).toEqual([42]);
});
