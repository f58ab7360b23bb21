import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, openClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import { migrate } from '../../../src/sinks/clickhouse/migrate.ts';
import { ScriptProcess } from './children/process.ts';
import { optionsFor } from './options.ts';
import { avroSchema, columnsOf } from './schemas.ts';
import { GROUP, openSink, openStore, PARTITIONS, recordsOf, type Store } from './sinkParts.ts';
import { micros, temporaryDirectory } from './support.ts';

const BEGIN = micros('2024-08-08T00:00:00Z');
const tick = avroSchema('tick');
/** Each process loads the engine anew, which takes seconds on a busy machine. */
const SEVERAL_PROCESSES_MS = 180_000;

describe('the sink', () => {
  const directory = temporaryDirectory();
  let store: Store;
  let clickhouse: ClickHouse;
  let appended = 0;

  /** Appends ticks to the partitions in turn, each in a transaction of its own. */
  async function produce(count: number): Promise<void> {
    const schemaId = await store.registry.register('ticks-value', tick.text);
    const writer = await store.log.openWriter('test');
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const rows = Array.from({ length: count }, (_, i) => ({
        instrument: `a:S${(appended + i) % 7}`,
        eventTime: BEGIN + (appended + i) * 1_000_000,
        price: 1 + i / 100,
        size: 0.5,
        side: i % 3 === 0 ? null : i % 3 === 1 ? 'buy' : 'sell',
        tradeId: `${partition}/${appended + i}`,
      }));
      const records = recordsOf(tick, columnsOf(tick, rows), schemaId);
      await writer.commit({ appends: [{ topic: 'ticks', partition, records }], positions: [] });
    }
    appended += count;
    await writer.close();
  }

  async function storeAll(bounds = {}): Promise<number> {
    const sink = await openSink(store, clickhouse, bounds);
    const ends = [...(await store.log.ranges('ticks')), ...(await store.log.ranges('deadletter'))];
    let stored = 0;
    while (!sink.reached(ends)) stored += await sink.step(0);
    await sink.close();
    return stored;
  }

  beforeAll(async () => {
    store = await openStore(directory);
    clickhouse = await openClickHouse(optionsFor(directory));
    await migrate(clickhouse);
  });

  afterAll(async () => {
    await store.close();
    await clickhouse.close();
  });

  it('stores all records once, each at its place in the log, and goes on from its positions', async () => {
    await produce(250);
    expect(await storeAll({ batchRows: 100 })).toBe(500);
    expect(await storeAll()).toBe(0);
    await produce(10);
    expect(await storeAll()).toBe(20);
    const [row] = await clickhouse.rows(
      'SELECT count() AS n, uniqExact(partition, offset) AS places, uniqExact(tradeId) AS trades, sum(size) AS size, ' +
        "countIf(side IS NULL) AS none, countIf(side = 'sell') AS sells FROM ticks",
    );
    expect(row).toEqual({ n: 520, places: 520, trades: 520, size: 260, none: 176, sells: 172 });
    expect(await clickhouse.rows('SELECT max(offset) AS last FROM ticks_raw WHERE partition = 1')).toEqual([
      { last: 259 },
    ]);
  });

  it('fills a database that the positions in the log are not of', async () => {
    await storeAll();
    const count = 'SELECT count() AS n, sum(price) AS price FROM ticks';
    const stored = await clickhouse.rows(count);
    const other = await openClickHouse({ ...optionsFor(directory), database: 'made_anew' });
    await migrate(other);
    const sink = await openSink(store, other);
    while (!sink.reached(await store.log.ranges('ticks'))) await sink.step(0);
    await sink.close();
    expect(await other.rows(count)).toEqual(stored);
    await other.close();
    await storeAll();
    expect(await clickhouse.rows(count)).toEqual(stored);
    expect(await storeAll()).toBe(0);
  });

  it('inserts no more rows at once than its bound, and no row later than its bound', async () => {
    await produce(150);
    let inserted = 0;
    const counting = Object.assign(Object.create(clickhouse) as ClickHouse, {
      rows: <Row>(sql: string) => clickhouse.rows<Row>(sql),
      async insert(sql: string, body: Uint8Array) {
        inserted++;
        await clickhouse.insert(sql, body);
      },
    });
    let nowMs = 0;
    const sink = await openSink(store, counting, { batchRows: 100, batchMs: 500 }, () => {
      nowMs += 200;
      return nowMs;
    });
    const steps = [await sink.step(0), await sink.step(0), await sink.step(0)];
    expect(Math.max(...steps)).toBeLessThanOrEqual(100);
    expect(inserted).toBe(steps.filter((rows) => rows > 0).length);
    await sink.close();
    await storeAll();
  });

  it('sets apart what cannot be decoded, as dead letters, and stores the rest', async () => {
    const writer = await store.log.openWriter('test');
    const values = Buffer.from('garbage');
    const records = {
      count: 1,
      keys: new Uint8Array(0),
      keyOffsets: new Int32Array(2),
      values,
      valueOffsets: Int32Array.of(0, values.length),
    };
    await writer.commit({ appends: [{ topic: 'ticks', partition: 1, records }], positions: [] });
    await writer.close();
    const before = (await store.log.ranges('ticks'))[1]?.end ?? 0;
    await produce(1);
    expect(await storeAll()).toBe(2);
    expect(await storeAll()).toBe(1);
    expect(await clickhouse.rows('SELECT source, position, topic, reason, payload FROM dead_letters')).toEqual([
      { source: 'ticks/1', position: before - 1, topic: 'ticks', reason: 'framing', payload: 'garbage' },
    ]);
  });

  it(
    'is exact after it is killed between an insert and its commit',
    async () => {
      await produce(400);
      await clickhouse.close();
      for (const killAt of [1, 3, 2]) await new ScriptProcess('./sinkUntilKilled.ts', [directory, `${killAt}`]).ended();
      clickhouse = await openClickHouse(optionsFor(directory));
      const positions = await store.log.committed(GROUP);
      const stored = positions.reduce((sum, { topic, offset }) => sum + (topic === 'ticks' ? offset : 0), 0);
      const [raw] = await clickhouse.rows<{ n: number }>('SELECT count() AS n FROM ticks_raw');
      expect(raw?.n).toBeGreaterThan(stored);
      await storeAll();
      const expected = appended * PARTITIONS;
      expect(await clickhouse.rows('SELECT count() AS n, uniqExact(tradeId) AS trades FROM ticks')).toEqual([
        { n: expected, trades: expected },
      ]);
      expect(await clickhouse.rows('SELECT sum(ticks) AS n FROM tick_counts')).toEqual([{ n: expected }]);
    },
    SEVERAL_PROCESSES_MS,
  );

  it(
    'goes on when the process that holds ClickHouse is killed',
    async () => {
      await clickhouse.close();
      const holder = new ScriptProcess('./clickhouseShell.ts', [directory]);
      expect(await holder.line()).toBe('open');
      clickhouse = await openClickHouse(optionsFor(directory));
      await produce(50);
      const sink = await openSink(store, clickhouse, { batchRows: 20 });
      expect(await sink.step(0)).toBeGreaterThan(0);
      await holder.killHard();
      const ends = await store.log.ranges('ticks');
      while (!sink.reached(ends)) await sink.step(0);
      await sink.close();
      expect(await clickhouse.rows('SELECT count() AS n FROM ticks')).toEqual([{ n: appended * PARTITIONS }]);
    },
    SEVERAL_PROCESSES_MS,
  );

  it('is fenced by a later sink of its group', async () => {
    await produce(1);
    const first = await openSink(store, clickhouse);
    const second = await openSink(store, clickhouse);
    await expect(first.step(0)).rejects.toMatchObject({ code: 'TM_LOG_FENCED' });
    expect(await second.step(0)).toBe(2);
    await first.close();
    await second.close();
  });

  it('says what to do when ClickHouse refuses rows', async () => {
    await produce(1);
    await clickhouse.command('RENAME TABLE ticks_raw TO elsewhere');
    const sink = await openSink(store, clickhouse);
    await expect(sink.step(0)).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_INSERT', where: 'ticks_raw' });
    await sink.close();
    await clickhouse.command('RENAME TABLE elsewhere TO ticks_raw');
    expect(await storeAll()).toBe(2);
  });
});
