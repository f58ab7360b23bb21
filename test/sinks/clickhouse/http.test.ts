import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { querySql } from '../../../src/query/sql.ts';
import { type ClickHouse, type ClickHouseOptions, openClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import { migrate } from '../../../src/sinks/clickhouse/migrate.ts';
import { type ClickHouseServer, type Fault, openClickHouseServer } from '../../support/clickHouseServer.ts';
import { optionsFor } from './options.ts';
import { avroSchema, columnsOf } from './schemas.ts';
import { openSink, openStore, PARTITIONS, recordsOf, type Store } from './sinkParts.ts';
import { micros, temporaryDirectory } from './support.ts';

const tick = avroSchema('tick');
const MANY = 2_000_000;
const INSERT = 'INSERT INTO numbers_stored (n) SETTINGS async_insert = 0 FORMAT JSONEachRow';
const isInsert = (query: string) => query.startsWith('INSERT');

/** Gives a fault to the first `times` of the requests that are asked for. */
function firstOf(times: number, fault: Fault, isAsked: (query: string) => boolean): (query: string) => Fault | null {
  let left = times;
  return (query) => {
    if (!isAsked(query) || left === 0) return null;
    left--;
    return fault;
  };
}

describe('the ClickHouse client over HTTP, at a server of the tests', () => {
  const directory = temporaryDirectory();
  let server: ClickHouseServer;
  let clickhouse: ClickHouse;
  const opened: ClickHouse[] = [];

  async function open(options: Partial<ClickHouseOptions> = {}): Promise<ClickHouse> {
    const one = await openClickHouse({ ...optionsFor(directory), url: server.url, ...options });
    opened.push(one);
    return one;
  }

  beforeAll(async () => {
    server = await openClickHouseServer(join(directory, 'server'));
    clickhouse = await open();
    await clickhouse.command('CREATE TABLE numbers_stored (n UInt64) ENGINE = MergeTree ORDER BY n');
  });

  afterEach(() => {
    server.fault = () => null;
  });

  afterAll(async () => {
    for (const one of opened) await one.close();
    await server.close();
  });

  async function linesOf(one: ClickHouse, sql: string): Promise<number> {
    let lines = 0;
    for await (const part of one.stream(sql)) for (const byte of part) if (byte === 10) lines++;
    return lines;
  }

  it.each(['off', 'on'])('streams a large result, and stores what it is given, with compression %s', async (how) => {
    const one = await open({ compression: how });
    const before = server.requests.length;
    expect(await linesOf(one, `SELECT number FROM numbers(${MANY}) FORMAT CSV`)).toBe(MANY);
    await one.command('TRUNCATE TABLE numbers_stored');
    const rows = Array.from({ length: 10_000 }, (_, n) => JSON.stringify({ n })).join('\n');
    await one.insert(INSERT, Buffer.from(rows));
    expect(await one.rows('SELECT count() AS count, sum(n) AS sum FROM numbers_stored')).toEqual([
      { count: 10_000, sum: 49_995_000 },
    ]);
    const seen = server.requests.slice(before);
    expect(seen.filter(({ query }) => isInsert(query)).map(({ gzipped }) => gzipped)).toEqual([how === 'on']);
    expect(new Set(seen.filter(({ query }) => query === '').map(({ answeredGzipped }) => answeredGzipped))).toEqual(
      new Set([how === 'on']),
    );
  });

  it('holds no more of a result than the reader has asked for', async () => {
    const rows = clickhouse.stream('SELECT number FROM numbers(100000000) FORMAT CSV')[Symbol.asyncIterator]();
    expect((await rows.next()).done).toBe(false);
    await rows.return?.();
    expect(await clickhouse.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('tells what ClickHouse has against a statement, with its code', async () => {
    const refused = { code: '60', message: expect.stringContaining('nowhere') };
    await expect(clickhouse.rows('SELECT * FROM nowhere')).rejects.toMatchObject(refused);
    await expect(clickhouse.command('DROP TABLE nowhere')).rejects.toMatchObject(refused);
    await expect(clickhouse.insert('INSERT INTO nowhere FORMAT JSONEachRow', Buffer.from('{}'))).rejects.toMatchObject(
      refused,
    );
    const { pieces } = querySql({ clickhouse, sql: 'SELECT * FROM nowhere', format: 'csv' });
    const reading = (async () => {
      for await (const _ of pieces) {
        // Nothing comes.
      }
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'TM_SQL',
      message: expect.stringMatching(/nowhere.*UNKNOWN_TABLE/),
    });
  });

  it.each(['off', 'on'])('tells an error that comes after the first rows, with compression %s', async (how) => {
    const one = await open({ compression: how });
    let bytes = 0;
    const reading = (async () => {
      const sql = 'SELECT throwIf(number = 900000) FROM numbers(2000000) FORMAT TabSeparated';
      for await (const part of one.stream(sql)) bytes += part.length;
    })();
    await expect(reading).rejects.toThrow(/Code: 395/);
    expect(bytes).toBeGreaterThan(0);
  });

  it('says so when a connection is lost in the middle of a result, which is never taken for whole', async () => {
    server.fault = firstOf(1, 'lostWithin', (query) => query === '');
    await expect(linesOf(clickhouse, `SELECT number FROM numbers(${MANY}) FORMAT CSV`)).rejects.toMatchObject({
      code: 'TM_CLICKHOUSE_UNREACHABLE',
      where: server.url,
    });
  });

  it('asks again when a connection is lost before its answer', async () => {
    server.fault = firstOf(3, 'lostAfter', (query) => query === '');
    expect(await clickhouse.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('goes on when the server has closed the connections that were kept alive', async () => {
    for (let round = 0; round < 5; round++) {
      expect(await clickhouse.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      server.closeIdle();
    }
  });

  it('gives up a request that is not answered, and says where', async () => {
    const hasty = await open({ requestTimeoutMs: 500 });
    server.fault = firstOf(10, 'noAnswer', () => true);
    await expect(hasty.rows('SELECT 1')).rejects.toMatchObject({
      code: 'TM_CLICKHOUSE_UNREACHABLE',
      message: expect.stringMatching(/timeout/i),
      where: server.url,
    });
  });

  it('says what to do when nobody listens', async () => {
    await server.stop();
    await expect(open()).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE', where: server.url });
    await server.start();
    expect(await clickhouse.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  describe('as the sink uses it', () => {
    let store: Store;

    beforeAll(async () => {
      store = await openStore(join(directory, 'store'));
      await migrate(clickhouse);
    });

    afterAll(() => store.close());

    async function produce(count: number): Promise<void> {
      const schemaId = await store.registry.register('ticks-value', tick.text);
      const writer = await store.log.openWriter('test');
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const rows = Array.from({ length: count }, (_, i) => ({
          instrument: `a:S${i % 7}`,
          eventTime: micros('2024-08-08T00:00:00Z') + i * 1_000_000,
          price: 1 + i / 100,
          size: 0.5,
          tradeId: `${partition}/${i}`,
        }));
        const records = recordsOf(tick, columnsOf(tick, rows), schemaId);
        await writer.commit({ appends: [{ topic: 'ticks', partition, records }], positions: [] });
      }
      await writer.close();
    }

    it.each<[string, Fault]>([
      ['before ClickHouse has it all', 'lostBefore'],
      ['after it was stored, before that was said', 'lostAfter'],
    ])('an insert whose connection is lost %s is sent again, and its rows are there once', async (_, fault) => {
      const [before] = await clickhouse.rows<{ n: number }>('SELECT count() AS n FROM ticks');
      await produce(500);
      server.fault = firstOf(2, fault, isInsert);
      const sink = await openSink(store, clickhouse, { batchRows: 200 });
      while (!sink.reached(await store.log.ranges('ticks'))) await sink.step(0);
      await sink.close();
      const [after] = await clickhouse.rows('SELECT count() AS n, uniqExact(partition, offset) AS places FROM ticks');
      const n = (before?.n ?? 0) + 1_000;
      expect(after).toEqual({ n, places: n });
    });

    it('an insert that is never acknowledged fails with a code after its tries, and the next sink goes on', async () => {
      const [before] = await clickhouse.rows<{ n: number }>('SELECT count() AS n FROM ticks');
      await produce(100);
      server.fault = firstOf(2, 'lostAfter', isInsert);
      const sink = await openSink(store, clickhouse, { insertRetries: 1 });
      await expect(sink.step(0)).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE', where: 'ticks_raw' });
      await sink.close();
      const next = await openSink(store, clickhouse);
      while (!next.reached(await store.log.ranges('ticks'))) await next.step(0);
      await next.close();
      expect(await clickhouse.rows('SELECT count() AS n FROM ticks')).toEqual([{ n: (before?.n ?? 0) + 200 }]);
    });
  });
});
