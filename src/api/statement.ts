import { sqlError } from '../query/sqlError.ts';
import type { ClickHouse, StatementOptions } from '../sinks/clickhouse/connect.ts';

/** All rows of a statement with a bounded result. @throws TM_SQL, TM_CLICKHOUSE_UNREACHABLE */
export async function rowsOf<Row>(clickhouse: ClickHouse, sql: string, options: StatementOptions): Promise<Row[]> {
  try {
    return await clickhouse.rows<Row>(sql, options);
  } catch (error) {
    throw sqlError(error);
  }
}
