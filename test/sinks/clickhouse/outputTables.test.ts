import { beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/sinks/clickhouse/migrate.ts';
import { createOutput, servedGeneration, serveGeneration } from '../../../src/sinks/clickhouse/outputTables.ts';
import type { Value } from './schemas.ts';
import { barsSpec, insertRows, micros, temporaryClickHouse } from './support.ts';

const VOLUME_SCALE = 10n ** 18n;
const HOUR = 3_600e6;
const DAY = 24 * HOUR;
const BEGIN = micros('2024-08-08T00:00:00Z');
const views = [{ kind: 'latestByKey' }, { kind: 'rollup', interval: '1d' }] as const;

interface Emission {
  readonly symbol: string;
  readonly interval: string;
  readonly hour: number;
  readonly revision: number;
  readonly deleted: boolean;
  readonly seed: number;
}

/** Two symbols, 60 hours, some of them revised up to three times, some taken back, and emissions given again out of order. */
const emissions: readonly Emission[] = ['a:X', 'b:Y'].flatMap((symbol) =>
  Array.from({ length: 60 }, (_, hour) =>
    Array.from({ length: 1 + (hour % 4) }, (_, revision) => ({
      symbol,
      interval: '1h',
      hour,
      revision,
      deleted: hour % 7 === 3 && revision === hour % 4,
      seed: (hour * 31 + revision * 17 + symbol.length + symbol.charCodeAt(0)) % 101,
    })),
  ).flat(),
);

function rowOf({ symbol, interval, hour, revision, deleted, seed }: Emission): Record<string, Value> {
  const start = BEGIN + hour * HOUR;
  const volume = BigInt(seed + 1) * VOLUME_SCALE + 100_000_000_000n;
  return {
    instrument: symbol,
    interval,
    start,
    end: start + HOUR,
    revision,
    final: true,
    deleted,
    open: 100 + seed / 10,
    high: 120 + seed / 10,
    low: 90 - seed / 10,
    close: 101 + seed / 10,
    volume,
    notional: volume * 10n ** 16n * BigInt(10_050 + seed),
    vwap: (10_050 + seed) / 100,
    openTime: start + 1,
    openSequence: seed,
    closeTime: start + HOUR - 1,
    closeSequence: null,
    count: seed + 1,
  };
}

/** What is in force: the highest revision of each window, unless that takes it back. */
const standing = [
  ...emissions
    .reduce((last, emission) => {
      const key = `${emission.symbol} ${emission.hour}`;
      if ((last.get(key)?.revision ?? -1) < emission.revision) last.set(key, emission);
      return last;
    }, new Map<string, Emission>())
    .values(),
].filter(({ deleted }) => !deleted);

describe('an output', async () => {
  const clickhouse = await temporaryClickHouse();

  beforeAll(async () => {
    await migrate(clickhouse);
    const spec = barsSpec(1, views);
    const target = await createOutput(clickhouse, spec);
    await serveGeneration(clickhouse, [spec], 0);
    const rows = emissions.map(rowOf);
    await insertRows(clickhouse, target, spec.schema, rows.slice(100), { firstOffset: 100 });
    await insertRows(clickhouse, target, spec.schema, rows, { firstOffset: 0 });
    await insertRows(clickhouse, target, spec.schema, rows.slice(0, 60), { firstOffset: 0 });
    // Another interval of the same hour must not leak into the roll-up of the widest.
    const minute = rows.slice(0, 3).map((row) => ({ ...row, interval: '1m', end: Number(row.start) + 60e6 }));
    await insertRows(clickhouse, target, spec.schema, minute, { firstOffset: 1_000 });
  });

  it('shows the highest revision of each window, and none that was taken back', async () => {
    const rows = await clickhouse.rows<Record<string, Value>>(
      'SELECT symbol, toUnixTimestamp64Micro(start) AS start, revision, open, toString(volume) AS volume ' +
        "FROM bars WHERE interval = '1h' ORDER BY symbol, start",
    );
    expect(rows).toEqual(
      standing.map((emission) => ({
        symbol: emission.symbol,
        start: BEGIN + emission.hour * HOUR,
        revision: emission.revision,
        open: 100 + emission.seed / 10,
        volume: `${emission.seed + 1}.0000001`,
      })),
    );
  });

  it('shows the latest window of each key', async () => {
    const rows = await clickhouse.rows<Record<string, Value>>(
      "SELECT symbol, toUnixTimestamp64Micro(start) AS start FROM bars_latest WHERE interval = '1h' ORDER BY symbol",
    );
    const last = Math.max(...standing.map(({ hour }) => hour));
    expect(rows).toEqual(['a:X', 'b:Y'].map((symbol) => ({ symbol, start: BEGIN + last * HOUR })));
  });

  it('rolls up what stands, from the widest windows that fit', async () => {
    const rows = await clickhouse.rows<Record<string, Value>>(
      'SELECT symbol, toUnixTimestamp64Micro(start) AS start, toUnixTimestamp64Micro(end) AS end, interval, open, high, low, ' +
        'close, toString(volume) AS volume, vwap, count FROM bars_1d ORDER BY symbol, start',
    );
    const expected = ['a:X', 'b:Y'].flatMap((symbol) =>
      [0, 1, 2].map((day) => {
        const own = standing.filter((e) => e.symbol === symbol && Math.floor(e.hour / 24) === day);
        const volume = own.reduce((sum, e) => sum + BigInt(e.seed + 1) * 10n ** 7n + 1n, 0n);
        const notional = own.reduce(
          (sum, e) => sum + (BigInt(e.seed + 1) * 10n ** 7n + 1n) * BigInt(10_050 + e.seed),
          0n,
        );
        return {
          symbol,
          start: BEGIN + day * DAY,
          end: BEGIN + (day + 1) * DAY,
          interval: '1d',
          open: 100 + (own[0]?.seed ?? 0) / 10,
          high: Math.max(...own.map(({ seed }) => 120 + seed / 10)),
          low: Math.min(...own.map(({ seed }) => 90 - seed / 10)),
          close: 101 + (own.at(-1)?.seed ?? 0) / 10,
          volume: `${volume / 10n ** 7n}.${String(volume % 10n ** 7n).padStart(7, '0')}`.replace(/0+$/, ''),
          // 30 digits of the exact quotient, which Number reads as the nearest double.
          vwap: Number(`${(notional * 10n ** 30n) / volume / 100n}e-30`),
          count: own.reduce((sum, { seed }) => sum + seed + 1, 0),
        };
      }),
    );
    expect(rows).toEqual(expected);
  });

  it('of a newer generation fills a table of its own and leaves what is served', async () => {
    const spec = barsSpec(2, views);
    const target = await createOutput(clickhouse, spec);
    expect(target.table).toBe('bars__g2');
    const [first] = emissions;
    if (first === undefined) throw new Error('no emissions');
    await insertRows(clickhouse, target, spec.schema, [{ ...rowOf(first), open: 7 }]);
    expect(await clickhouse.rows('SELECT open, version FROM bars__g2')).toEqual([{ open: 7, version: 2 * 2 ** 40 }]);
    expect(await clickhouse.rows('SELECT count() AS n FROM bars WHERE open = 7')).toEqual([{ n: 0 }]);
    expect(await servedGeneration(clickhouse, 'bars')).toBe(1);
  });

  it('of a newer generation shows once it is served, and an older word does not take that back', async () => {
    const [older, newer] = [barsSpec(1, views), barsSpec(2, views)];
    await serveGeneration(clickhouse, [newer], 1);
    await serveGeneration(clickhouse, [older], 0);
    expect(await servedGeneration(clickhouse, 'bars')).toBe(2);
    expect(await clickhouse.rows('SELECT open FROM bars')).toEqual([{ open: 7 }]);
    await serveGeneration(clickhouse, [older], 2);
    expect(await servedGeneration(clickhouse, 'bars')).toBe(1);
    expect(await clickhouse.rows('SELECT count() AS n FROM bars WHERE open = 7')).toEqual([{ n: 0 }]);
  });

  it('with other columns than its table is refused', async () => {
    const spec = barsSpec();
    const fields = spec.schema.fields.filter(({ name }) => name !== 'vwap');
    const changed = createOutput(clickhouse, { ...spec, schema: { ...spec.schema, fields } });
    await expect(changed).rejects.toMatchObject({ code: 'TM_TABLE_DIFFERS' });
  });

  it('is not shared by two topologies', async () => {
    const other = createOutput(clickhouse, { ...barsSpec(), topology: 'mybars' });
    await expect(other).rejects.toMatchObject({ code: 'TM_TABLE_DIFFERS' });
  });

  it('has no roll-up that its windows cannot make', async () => {
    const spec = { ...barsSpec(3), name: 'sparse', topology: 'sparse', intervals: ['7s', '5m/1m'] };
    const refused = createOutput(clickhouse, { ...spec, views: [{ kind: 'rollup', interval: '1d' }] });
    await expect(refused).rejects.toMatchObject({ code: 'TM_ROLLUP' });
  });
});
