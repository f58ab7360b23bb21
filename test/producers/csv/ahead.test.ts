import { describe, expect, it } from 'vitest';
import { ahead } from '../../../src/producers/csv/ahead.ts';

describe('batches ahead', () => {
  const seen: string[] = [];

  async function* numbers(count: number, fails = false): AsyncGenerator<number> {
    try {
      for (let i = 0; i < count; i++) {
        seen.push(`made ${i}`);
        yield i;
      }
      if (fails) throw new Error('torn');
    } finally {
      seen.push('closed');
    }
  }

  async function take(batches: AsyncIterable<number>, most = Number.POSITIVE_INFINITY): Promise<string[]> {
    seen.length = 0;
    let taken = 0;
    for await (const batch of batches) {
      seen.push(`wrote ${batch}`);
      if (++taken === most) break;
    }
    return seen;
  }

  it('are the same ones in order, one of them made while another is written', async () => {
    expect(await take(ahead(numbers(3)))).toEqual([
      ...['made 0', 'made 1', 'wrote 0', 'made 2', 'wrote 1', 'closed', 'wrote 2'],
    ]);
    expect(await take(ahead(numbers(0)))).toEqual(['closed']);
  });

  it('end with what they are made of, and are closed when nobody wants more', async () => {
    await expect(take(ahead(numbers(2, true)))).rejects.toThrow('torn');
    expect(seen).toEqual(['made 0', 'made 1', 'wrote 0', 'closed', 'wrote 1']);
    expect(await take(ahead(numbers(9)), 2)).toEqual(['made 0', 'made 1', 'wrote 0', 'made 2', 'wrote 1', 'closed']);
  });
});
