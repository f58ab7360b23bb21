import { TidemarkError } from '../../errors.ts';
import type { FieldCodes } from './fieldCodes.ts';
import { type Aggregate, type AnyField, fieldOf } from './spec.ts';
import { textColumn } from './textColumn.ts';
import { ValueCountsState } from './valueCountsState.ts';

/**
 * The `k` most frequent values of a field of any kind, with their exact counts, as JSON text ('[{"value":1,"count":12}]'): the most frequent first, and of
 * equally frequent ones the lowest (numbers by value, text by its bytes). Nulls are skipped; null when there is nothing
 * else. Its state grows with the number of different values.
 *
 * @example aggregate({ busiest: topK('size', 3) })
 * @throws TM_TOPOLOGY when k is not a whole number from 1 on
 */
export function topK<const F extends string>(field: F, k: number): Aggregate<AnyField<F>, string | null> {
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new TidemarkError('TM_TOPOLOGY', `topK('${field}', ${k}): k is a whole number from 1 on`);
  }
  return {
    group: {
      bind: (input) =>
        new ValueCountsState(input, field, (counts, codes) => textColumn(counts.map((held) => topOf(held, k, codes)))),
    },
    output: 0,
    label: `topK ${field} ${k}`,
    field: (input) => {
      fieldOf(input, field);
      return { kind: 'string', nullable: true };
    },
    merge: null,
  };
}

function topOf(counts: ReadonlyMap<number, number>, k: number, codes: FieldCodes): string | null {
  if (counts.size === 0) return null;
  const ordered = [...counts].sort(([a, countA], [b, countB]) => countB - countA || codes.compare(a, b));
  const entries = ordered.slice(0, k).map(([code, count]) => `{"value":${codes.json(code)},"count":${count}}`);
  return `[${entries.join(',')}]`;
}
