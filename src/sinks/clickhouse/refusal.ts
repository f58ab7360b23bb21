import { ClickHouseError } from '@clickhouse/client';

/** The first line of what ClickHouse said, with its code; of any other error, its message. */
export function refusalText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [first = ''] = message.split('\n');
  if (!(error instanceof ClickHouseError)) return first.trim();
  return `${first.trim()} (ClickHouse ${error.code}${error.type === undefined ? '' : `, ${error.type}`})`;
}
