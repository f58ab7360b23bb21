import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { lateTarget } from '../../src/sinks/clickhouse/insertTarget.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { avroSchema } from '../sinks/clickhouse/schemas.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const LATE = avroSchema('late');
const LEDGER = { topology: 'bars', generation: 1, takenFrom: 0 };
const FIRST_MICROS = 1_723_123_200_000_000;
const PARTITIONS = 3;
const RECORDS_A_PARTITION = 40;

interface LateJson {
  readonly symbol: string;
  readonly eventTime: string;
  readonly partition: number;
  readonly offset: number;
}

/** Few event times, so that many records share one. */
function lateRow(partition: number, offset: number) {
  return {
    key: offset % 2 === 0 ? 'test:A' : 'test:B',
    eventTime: FIRST_MICROS + ((offset * 7) % 5) * 1_500,
    topic: 'ticks',
    partition,
    offset,
    watermark: FIRST_MICROS + 3_600_000_000,
    intervals: '1s,1m',
    missedAll: false,
    reason: 'expired',
  };
}

describe('the late ledger', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  const { clickhouse } = stores;
  let api: ServedApi;

  beforeAll(async () => {
    await migrate(clickhouse);
    await createOutput(clickhouse, barsSpec());
    await serveGeneration(clickhouse, [barsSpec()], 0);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const rows = Array.from({ length: RECORDS_A_PARTITION }, (_, offset) => lateRow(partition, offset));
      await insertRows(clickhouse, lateTarget(LATE, LEDGER), LATE, rows, { partition });
    }
    api = await serve(stores);
  });
  afterAll(() => api.close());

  async function pages(first: string): Promise<LateJson[][]> {
    const read: LateJson[][] = [];
    for (let next: string | null = first; next !== null; ) {
      const response: Response = await fetch(api.url + next);
      expect(response.status).toBe(200);
      read.push((await response.json()) as LateJson[]);
      next = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
    }
    return read;
  }

  /** What the ledger holds, the newest event times first, then as it lies in the log. */
  function expected(isWanted: (symbol: string) => boolean): string[] {
    const all = Array.from({ length: PARTITIONS * RECORDS_A_PARTITION }, (_, i) =>
      lateRow(Math.floor(i / RECORDS_A_PARTITION), i % RECORDS_A_PARTITION),
    );
    return all
      .filter(({ key }) => isWanted(key))
      .sort((a, b) => b.eventTime - a.eventTime || a.partition - b.partition || a.offset - b.offset)
      .map(({ partition, offset }) => `${partition}/${offset}`);
  }

  it.each([1, 7, 60, 119, 120, 500])('comes whole in pages of %i', async (limit) => {
    const read = await pages(`/v1/late?limit=${limit}`);
    expect(read.flat().map(({ partition, offset }) => `${partition}/${offset}`)).toEqual(expected(() => true));
    expect(read.map((page) => page.length).slice(0, -1)).toEqual(read.slice(0, -1).map(() => limit));
    expect(read.at(-1)?.length).toBeGreaterThan(0);
  });

  it('keeps its conditions from page to page, and has pages of 100 by itself', async () => {
    const read = await pages('/v1/late?symbol=test:B&limit=9');
    expect(read.flat().map(({ partition, offset }) => `${partition}/${offset}`)).toEqual(
      expected((symbol) => symbol === 'test:B'),
    );
    expect((await pages('/v1/late')).map((page) => page.length)).toEqual([100, 20]);
  });

  it('takes a cursor of any place', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    for (const place of [
      [-most, -most, -most, -most],
      [most, most, most, most],
      [0, 0, 0, 0],
    ]) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      expect((await fetch(`${api.url}/v1/late?cursor=${cursor}`)).status).toBe(200);
    }
  });
});
