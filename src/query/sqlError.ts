import { ClickHouseError } from '@clickhouse/client';
import { TidemarkError } from '../errors.ts';
import { refusalText } from '../sinks/clickhouse/refusal.ts';
import { ExceptionInBody } from '../sinks/clickhouse/responseBody.ts';

/** ClickHouse's code of a table that does not exist. */
const UNKNOWN_TABLE = '60';

export function isUnknownTable(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === UNKNOWN_TABLE;
}

/** What ClickHouse said against a statement, as an error with a code; other errors as they are. */
export function sqlError(error: unknown): unknown {
  if (!(error instanceof ClickHouseError || error instanceof ExceptionInBody)) return error;
  return new TidemarkError('TM_SQL', refusalText(error), {
    ...(isUnknownTable(error) ? { hint: 'Nothing is stored until `tidemark run` has started once.' } : {}),
    cause: error,
  });
}
