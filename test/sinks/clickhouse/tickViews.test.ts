import { beforeAll, describe, expect, it } from 'vitest';
import { rawTarget } from '../../../src/sinks/clickhouse/insertTarget.ts';
import { migrate } from '../../../src/sinks/clickhouse/migrate.ts';
import { avroSchema, type Value } from './schemas.ts';
import { insertRows, micros, temporaryClickHouse } from './support.ts';

interface Tick extends Record<string, Value> {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly sequence: number | null;
}

const BATCH = 300;
const BATCHES = 6;
const SYMBOLS = ['a:X', 'a:Y', 'b:X'];

/** Ticks of two days with few distinct times, so that ties are common; every value follows from its index. */
function tickAt(index: number): Tick {
  const spread = (index * 7_919) % 1_800;
  return {
    instrument: SYMBOLS[index % SYMBOLS.length] ?? '',
    eventTime: micros('2024-12-31T23:50:00Z') + Math.floor(spread / 4) * 2_500_000,
    price: 100 + ((index * 31) % 97) / 100,
    size: (((index * 13) % 10) * 1e6 + 1) / 1e7,
    sequence: index % 5 === 0 ? null : (index * 17) % 1_000,
  };
}

const ticks = Array.from({ length: BATCH * BATCHES }, (_, index) => tickAt(index));

/** Event time, then sequence (none first), then offset; the ticks here are all of one partition. */
function latestOf(some: readonly Tick[]): Tick | undefined {
  const after = (a: Tick, b: Tick) => a.eventTime - b.eventTime || (a.sequence ?? -1) - (b.sequence ?? -1);
  return some.reduce<Tick | undefined>(
    (last, tick) => (last === undefined || after(tick, last) >= 0 ? tick : last),
    undefined,
  );
}

describe('views over ticks, when inserts are repeated', async () => {
  const clickhouse = await temporaryClickHouse();

  beforeAll(async () => {
    await migrate(clickhouse);
    const schema = avroSchema('tick');
    const target = rawTarget('ticks_raw', schema);
    for (const batch of [0, 1, 2, 1, 3, 3, 4, 5, 0]) {
      const firstOffset = batch * BATCH;
      await insertRows(clickhouse, target, schema, ticks.slice(firstOffset, firstOffset + BATCH), { firstOffset });
    }
    // The same ticks cut otherwise, as after a crash with other bounds.
    await insertRows(clickhouse, target, schema, ticks.slice(100, 700), { firstOffset: 100 });
  });

  it('count every tick once', async () => {
    expect(await clickhouse.rows('SELECT count() AS n FROM ticks')).toEqual([{ n: ticks.length }]);
    const counts = await clickhouse.rows<{ venue: string; minute: string; ticks: number }>(
      'SELECT venue, toUnixTimestamp(minute) AS minute, ticks FROM tick_counts ORDER BY venue, minute',
    );
    const expected = new Map<string, number>();
    for (const { instrument, eventTime } of ticks) {
      const key = `${instrument.split(':')[0]} ${Math.floor(eventTime / 60e6) * 60}`;
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
    expect(new Map(counts.map(({ venue, minute, ticks }) => [`${venue} ${minute}`, ticks]))).toEqual(expected);
  });

  it('give the latest price by event time, then sequence, then offset', async () => {
    const rows = await clickhouse.rows<Record<string, Value>>(
      'SELECT symbol, toUnixTimestamp64Micro(eventTime) AS eventTime, price, size, sequence FROM latest_prices ORDER BY symbol',
    );
    const expected = SYMBOLS.map((symbol) => {
      const last = latestOf(ticks.filter(({ instrument }) => instrument === symbol));
      return { symbol, eventTime: last?.eventTime, price: last?.price, size: last?.size, sequence: last?.sequence };
    });
    expect(rows).toEqual(expected);
  });

  it('sum days exactly', async () => {
    const rows = await clickhouse.rows<Record<string, Value>>(
      'SELECT symbol, toString(day) AS day, high, low, close, toString(volume) AS volume, toString(notional) AS notional, ticks ' +
        "FROM daily_summary WHERE symbol = 'a:X' ORDER BY day",
    );
    const expected = ['2024-12-31', '2025-01-01'].map((day) => {
      const own = ticks.filter(
        ({ instrument, eventTime }) =>
          instrument === 'a:X' && new Date(eventTime / 1_000).toISOString().startsWith(day),
      );
      const sizes = own.map(({ size }) => BigInt(Math.round(size * 1e7)));
      const prices = own.map(({ price }) => BigInt(Math.round(price * 100)));
      return {
        symbol: 'a:X',
        day,
        high: Math.max(...own.map(({ price }) => price)),
        low: Math.min(...own.map(({ price }) => price)),
        close: latestOf(own)?.price,
        volume: decimal(
          sizes.reduce((sum, size) => sum + size, 0n),
          7,
        ),
        notional: decimal(
          sizes.reduce((sum, size, i) => sum + size * (prices[i] ?? 0n), 0n),
          9,
        ),
        ticks: own.length,
      };
    });
    expect(rows).toEqual(expected);
  });
});

function decimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled).padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, '');
}
