import { beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { BAR, barRow, symbolOf } from './bars.ts';
import { expectProblem } from './expectProblem.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;

describe('a request that costs too much', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  const { clickhouse } = stores;
  beforeAll(async () => {
    await migrate(clickhouse);
    const target = await createOutput(clickhouse, barsSpec());
    await serveGeneration(clickhouse, [barsSpec()], 0);
    const rows = Array.from({ length: 20_000 }, (_, bar) => barRow({ bar, revision: 0 }));
    await insertRows(clickhouse, target, BAR, rows);
    // So many symbols that what is held of each adds up.
    const many = Array.from({ length: 60_000 }, (_, bar) => {
      return { ...barRow({ bar: 0, revision: 0 }), instrument: `test:MANY${bar}`, interval: '1h' };
    });
    await insertRows(clickhouse, target, BAR, many);
  });

  it('of time is refused', async () => {
    const api = await serve(stores, { api: { maxQueryMs: 1 } });
    await expectProblem(await fetch(`${api.url}/v1/bars?interval=1m`), 422, 'TM_API_BOUNDS');
    await api.close();
  });

  it('of memory is refused', async () => {
    const api = await serve(stores, { api: { maxQueryMb: 1 } });
    await expectProblem(await fetch(`${api.url}/v1/latest`), 422, 'TM_API_BOUNDS');
    await api.close();
  });

  it('of rows is refused, or broken off where it has begun', async () => {
    const api = await serve(stores, { api: { maxRows: 19_999 } });
    const whole = fetch(`${api.url}/v1/bars?interval=1m`).then((response) => response.json());
    await expect(whole).rejects.toThrow('terminated');
    const part: unknown = await (await fetch(`${api.url}/v1/bars?interval=1m&symbol=${symbolOf(0)}`)).json();
    expect(part).toHaveLength(6_667);
    await api.close();
  });
});
