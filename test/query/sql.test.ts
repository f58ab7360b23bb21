import { beforeAll, describe, expect, it } from 'vitest';
import type { RowFormat } from '../../src/query/rowText.ts';
import { querySql } from '../../src/query/sql.ts';
import { temporaryClickHouse } from '../sinks/clickhouse/support.ts';

describe('SQL of a user', async () => {
  const clickhouse = await temporaryClickHouse();

  async function run(sql: string, format: RowFormat = 'csv'): Promise<string> {
    let all = '';
    for await (const piece of querySql({ clickhouse, sql, format }).pieces) all += piece;
    return all;
  }

  beforeAll(() => clickhouse.command('CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a'));

  it('gives CSV with a header, plain decimals and ISO times', async () => {
    const sql = `SELECT 1e-7 AS small, toDecimal256('0.30', 18) AS exact, toUInt64(18446744073709551615) AS large,
      toDateTime64('2024-08-09 00:00:00.5', 3, 'UTC') AS at, 'a,"b"\\n' AS text, NULL AS nothing, 'x\\\\N' AS "n,m" ; `;
    expect(await run(sql)).toBe(
      'small,exact,large,at,text,nothing,"n,m"\n0.0000001,0.3,18446744073709551615,2024-08-09T00:00:00.500Z,"a,""b""\n",,x\\N\n',
    );
  });

  it('gives JSON as one array, or a line a row', async () => {
    const sql = "SELECT number AS n, toDecimal64('1.5', 2) AS d, [1, 2] AS list FROM numbers(2) -- all";
    const rows = [
      { n: 0, d: 1.5, list: [1, 2] },
      { n: 1, d: 1.5, list: [1, 2] },
    ];
    expect(JSON.parse(await run(sql, 'json'))).toEqual(rows);
    expect(
      (await run(sql, 'ndjson'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows);
    expect(await run('SELECT 1 WHERE 0', 'json')).toBe('[]\n');
  });

  it('gives an aligned table with its header, also without rows', async () => {
    expect(await run("SELECT * FROM values('x String, number Int64', ('ab', 5), ('c', 10))", 'table')).toBe(
      'x   number\nab       5\nc       10\n',
    );
    expect(await run("SELECT 'ab' AS x, 5 AS number WHERE 0", 'table')).toBe('x  number\n');
  });

  it('has no limit of rows', async () => {
    expect((await run('SELECT number FROM numbers(300000)')).match(/\n/g)?.length).toBe(300_001);
    expect(JSON.parse(await run('SELECT number FROM numbers(300000)', 'json'))).toHaveLength(300_000);
  });

  it('may ask for what is no SELECT', async () => {
    expect(await run('SHOW TABLES')).toContain('\nt\n');
    expect(await run('DESCRIBE t', 'ndjson')).toContain('"name":"a"');
  });

  it.each(['DROP TABLE t', 'INSERT INTO t VALUES (1)', 'CREATE VIEW v AS SELECT 1', 'SELECT 1 SETTINGS readonly = 0'])(
    'cannot write: %s',
    async (sql) => {
      await expect(run(sql)).rejects.toMatchObject({ code: 'TM_SQL' });
      expect(await clickhouse.rows('SELECT count() AS n FROM t')).toEqual([{ n: 0 }]);
    },
  );

  it.each([
    ['SELEC 1', /Syntax error|Unknown expression/],
    ['SELECT nope FROM t', /nope/],
    ['SELECT 1; SELECT 2', /Multi-statements/],
    ['SELECT throwIf(number = 500000) FROM numbers(1000000)', /throwIf/],
    ['SELECT 1 FORMAT JSON', /Syntax error/],
  ])("is refused with ClickHouse's words in one line: %s", async (sql, words) => {
    const error: unknown = await run(sql).catch((cause) => cause);
    expect(error).toMatchObject({ code: 'TM_SQL', message: expect.stringMatching(words) });
    expect(String(error)).not.toContain('\n');
  });
});
