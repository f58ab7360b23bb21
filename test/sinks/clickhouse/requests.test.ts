import { describe, expect, it } from 'vitest';
import { temporaryClickHouse } from './support.ts';

describe('requests of the embedded ClickHouse', async () => {
  const clickhouse = await temporaryClickHouse();

  it('know nothing of each other: settings, parameters and databases hold for one', async () => {
    await clickhouse.client.query({
      query: 'SELECT {x:String} AS x',
      query_params: { x: "it's" },
      clickhouse_settings: { max_threads: 1, max_result_rows: '1' },
      format: 'JSONEachRow',
    });
    const [row] = await clickhouse.rows<{ rows: number; x: string }>(
      "SELECT toUInt64(getSetting('max_result_rows')) AS rows, currentDatabase() AS database",
    );
    expect(row).toEqual({ rows: 0, database: 'tidemark' });
    await expect(clickhouse.rows('SELECT {x:String}')).rejects.toThrow();
  });

  it('give ClickHouse errors with their code, before the first row and after', async () => {
    await expect(clickhouse.rows('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' });
    const rows = clickhouse.stream('SELECT throwIf(number = 500000) FROM numbers(1000000) FORMAT TabSeparated');
    let bytes = 0;
    const reading = (async () => {
      for await (const part of rows) bytes += part.length;
    })();
    await expect(reading).rejects.toThrow(/Code: 395/);
    expect(bytes).toBeGreaterThan(0);
  });

  it('stream results that are larger than what is held at once, with one header', async () => {
    let lines = 0;
    let head = '';
    for await (const part of clickhouse.stream('SELECT number AS n FROM numbers(3000000) FORMAT CSVWithNames')) {
      if (head === '') head = Buffer.from(part).toString('utf8', 0, 4);
      for (const byte of part) if (byte === 10) lines++;
    }
    expect(head).toBe('"n"\n');
    expect(lines).toBe(3_000_001);
  });

  it('may be left before their end', async () => {
    for await (const _ of clickhouse.stream('SELECT number FROM numbers(100000000) FORMAT CSV')) break;
    expect(await clickhouse.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
