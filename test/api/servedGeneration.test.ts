import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput } from '../../src/sinks/clickhouse/outputTables.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { BAR, barRow, symbolOf } from './bars.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
/** Of each generation: more than the API reads at once, so that an answer takes several pieces. */
const BARS = 5_000;
const SWAPS = 6;

describe('the generation that is served', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  const { clickhouse } = stores;
  let api: ServedApi;
  let version = 1;

  async function swapTo(generation: number): Promise<void> {
    version++;
    await clickhouse.command(
      `INSERT INTO served (topology, generation, version) VALUES ('bars', ${generation}, ${version})`,
    );
  }

  /** Revisions in the answer to a request: here the number of the generation that they come from. */
  async function generationsIn(query: string): Promise<number[]> {
    const response = await fetch(`${api.url}/v1/bars?interval=1m${query}`);
    const bars = (await response.json()) as { revision: number }[];
    return Array.from(new Set(bars.map(({ revision }) => revision)));
  }

  beforeAll(async () => {
    await migrate(clickhouse);
    for (const generation of [1, 2]) {
      const target = await createOutput(clickhouse, barsSpec(generation));
      const rows = Array.from({ length: BARS }, (_, bar) => barRow({ bar, revision: generation }));
      await insertRows(clickhouse, target, BAR, rows);
    }
    api = await serve(stores);
  });
  afterAll(() => api.close());

  it.each(['', '&limit=10', `&symbol=${symbolOf(1)}`])('is the new one at once after a swap (%s)', async (query) => {
    for (let swap = 0; swap < SWAPS; swap++) {
      const generation = 1 + (swap % 2);
      await swapTo(generation);
      expect(await generationsIn(query)).toEqual([generation]);
      expect(await generationsIn(query)).toEqual([generation]);
    }
  });

  it('is one for a whole answer, while it is swapped', async () => {
    for (let swap = 0; swap < SWAPS; swap++) {
      const answers = Array.from({ length: 4 }, () => generationsIn(''));
      await swapTo(1 + (swap % 2));
      for (const generations of await Promise.all(answers)) expect(generations).toHaveLength(1);
    }
  });
});
