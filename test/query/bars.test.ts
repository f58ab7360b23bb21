import { beforeAll, describe, expect, it } from 'vitest';
import { queryBars } from '../../src/query/bars.ts';
import type { RowFormat } from '../../src/query/rowText.ts';
import type { InsertTarget } from '../../src/sinks/clickhouse/insertTarget.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import type { Value } from '../sinks/clickhouse/schemas.ts';
import { barsSpec, insertRows, micros, temporaryClickHouse } from '../sinks/clickhouse/support.ts';

const SCALE = 10n ** 18n;
const HEADER = 'symbol,start,end,open,high,low,close,volume,vwap,count,revision\n';

function bar(values: Record<string, Value>): Record<string, Value> {
  const start = micros('2024-08-09T00:00:00Z');
  return {
    instrument: 'binance-spot:BTCUSDT',
    interval: '1m',
    start,
    end: Number(values.start ?? start) + 60_000_000,
    revision: 0,
    final: true,
    deleted: false,
    open: 1,
    high: 2,
    low: 0.5,
    close: 1.5,
    volume: 3n * SCALE,
    notional: 4n * SCALE * SCALE,
    vwap: 4 / 3,
    count: 2,
    ...values,
  };
}

describe('bars', async () => {
  const clickhouse = await temporaryClickHouse();
  let target: InsertTarget;

  async function text(format: RowFormat, query: Record<string, unknown> = {}): Promise<string> {
    const result = await queryBars({ clickhouse, topology: 'bars', output: 'bars', interval: '1m', format, ...query });
    let all = '';
    for await (const piece of result.pieces) all += piece;
    return all;
  }

  beforeAll(async () => {
    const before = await queryBars({ clickhouse, topology: 'bars', output: 'bars', interval: '1m', format: 'csv' });
    expect(before.hint).toContain('tidemark run');
    await migrate(clickhouse);
    target = await createOutput(clickhouse, barsSpec());
    await serveGeneration(clickhouse, [barsSpec()], 0);
    expect(await text('csv')).toBe(HEADER);
    expect(await text('json')).toBe('[]\n');
    const t = micros('2024-08-09T00:00:00Z');
    await insertRows(clickhouse, target, barsSpec().schema, [
      bar({ start: t + 60_000_000, vwap: null, volume: 0n, open: null }),
      bar({ start: t, open: 1e-7, high: 1e21, volume: 300_000_000_000_000_000n }),
      bar({ instrument: 'a:"x",y', start: t + 1, vwap: 123456789.125, volume: 1n }),
      bar({ start: t + 120_000_000 }),
      bar({ interval: '1h', start: t }),
    ]);
    await insertRows(
      clickhouse,
      target,
      barsSpec().schema,
      [bar({ start: t + 120_000_000, revision: 1, deleted: true }), bar({ start: t, revision: 1, open: 7e-7 })],
      { firstOffset: 5 },
    );
    // An older revision that arrives again after a newer one does not win.
    await insertRows(clickhouse, target, barsSpec().schema, [bar({ start: t, open: 1e-7 })], { firstOffset: 1 });
  });

  it('are plain decimals and ISO times in CSV, by symbol and start, without what was taken back', async () => {
    expect(await text('csv')).toBe(
      `${HEADER}"a:""x"",y",2024-08-09T00:00:00.000001Z,2024-08-09T00:01:00.000001Z,1,2,0.5,1.5,0.000000000000000001,123456789.125,2,0\n` +
        'binance-spot:BTCUSDT,2024-08-09T00:00:00.000Z,2024-08-09T00:01:00.000Z,0.0000007,2,0.5,1.5,3,1.3333333333333333,2,1\n' +
        'binance-spot:BTCUSDT,2024-08-09T00:01:00.000Z,2024-08-09T00:02:00.000Z,,2,0.5,1.5,0,,2,0\n',
    );
  });

  it('have exact times, before 1970, at the turn of a day, and between milliseconds', async () => {
    const starts = [
      -1_000_000,
      -1,
      0,
      micros('2024-02-29T00:00:00Z') - 1,
      micros('2024-02-29T23:59:59.999Z') + 999,
      micros('2024-12-31T09:05:03.070Z'),
      micros('2200-01-01T00:00:00Z') + 5,
    ];
    await insertRows(
      clickhouse,
      target,
      barsSpec().schema,
      starts.map((start) => bar({ instrument: 'test:times', interval: '1s', start })),
    );
    const times = (await text('csv', { interval: '1s', symbol: 'test:times' })).trimEnd().split('\n').slice(1);
    const iso = (time: number): string => {
      const micro = ((time % 1_000) + 1_000) % 1_000;
      const ms = new Date((time - micro) / 1_000).toISOString();
      return micro === 0 ? ms : ms.replace('Z', `${String(micro).padStart(3, '0')}Z`);
    };
    expect(times.map((line) => line.split(',').slice(1, 3))).toEqual(
      starts.map((start) => [iso(start), iso(start + 60_000_000)]),
    );
  });

  it('are chosen by symbol, and by start: from inclusive, to exclusive', async () => {
    const symbol = 'binance-spot:BTCUSDT';
    const minute = micros('2024-08-09T00:01:00Z');
    const starts = async (query: Record<string, unknown>) =>
      (await text('csv', { symbol, ...query }))
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(',')[1]);
    expect(await starts({})).toEqual(['2024-08-09T00:00:00.000Z', '2024-08-09T00:01:00.000Z']);
    expect(await starts({ fromMicros: minute })).toEqual(['2024-08-09T00:01:00.000Z']);
    expect(await starts({ toMicros: minute })).toEqual(['2024-08-09T00:00:00.000Z']);
    expect(await starts({ interval: '2m' })).toEqual([]);
  });

  it('are the same in JSON, one array or one object a line', async () => {
    const line =
      '{"symbol":"binance-spot:BTCUSDT","start":"2024-08-09T00:01:00.000Z","end":"2024-08-09T00:02:00.000Z",' +
      '"open":null,"high":2,"low":0.5,"close":1.5,"volume":0,"vwap":null,"count":2,"revision":0}';
    const ndjson = await text('ndjson');
    expect(ndjson.split('\n')[2]).toBe(line);
    expect(JSON.parse(await text('json'))).toEqual(
      ndjson
        .trimEnd()
        .split('\n')
        .map((object) => JSON.parse(object)),
    );
  });

  it('are aligned in a table, with a dash for null', async () => {
    const [head, , second, third] = (await text('table')).split('\n');
    expect(head).toMatch(/^symbol +start +end +open +high/);
    expect(second?.indexOf('2024-08-09T00:00:00.000Z')).toBe(third?.indexOf('2024-08-09T00:01:00.000Z'));
    expect(third?.split(/ +/)[3]).toBe('-');
  });
});
