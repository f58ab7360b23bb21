import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { BAR, barRow, symbolOf } from './bars.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;

describe('the symbols', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  const { clickhouse } = stores;
  let api: ServedApi;
  beforeAll(async () => {
    await migrate(clickhouse);
    const target = await createOutput(clickhouse, barsSpec());
    await serveGeneration(clickhouse, [barsSpec()], 0);
    const bars = Array.from({ length: 9 }, (_, bar) => bar);
    await insertRows(
      clickhouse,
      target,
      BAR,
      bars.map((bar) => barRow({ bar, revision: 0 })),
    );
    // Of symbol 0 the first and the last bar, of symbol 1 all of them.
    const retracted = bars.filter((bar) => bar === 0 || bar === 6 || bar % 3 === 1);
    await insertRows(
      clickhouse,
      target,
      BAR,
      retracted.map((bar) => ({ ...barRow({ bar, revision: 1 }), deleted: true })),
      { firstOffset: bars.length },
    );
    api = await serve(stores);
  });
  afterAll(() => api.close());

  it('have no bar that was retracted', async () => {
    const minute = (start: string) => ({ interval: '1m', first: start, last: start });
    expect(await (await fetch(`${api.url}/v1/symbols`)).json()).toEqual([
      { symbol: symbolOf(0), intervals: [minute('2024-08-08T13:23:00.000Z')] },
      {
        symbol: symbolOf(2),
        intervals: [{ interval: '1m', first: '2024-08-08T13:22:00.000Z', last: '2024-08-08T13:28:00.000Z' }],
      },
    ]);
  });

  it('have as their latest bar the last one that was not', async () => {
    const { bars } = (await (await fetch(`${api.url}/v1/latest`)).json()) as {
      bars: { symbol: string; start: string }[];
    };
    expect(bars.map(({ symbol, start }) => `${symbol} ${start}`)).toEqual([
      `${symbolOf(0)} 2024-08-08T13:23:00.000Z`,
      `${symbolOf(2)} 2024-08-08T13:28:00.000Z`,
    ]);
  });
});
