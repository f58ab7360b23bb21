import type { ClickHouseOptions } from '../../../src/sinks/clickhouse/connect.ts';

/** The embedded ClickHouse of a data directory. */
export function optionsFor(directory: string): ClickHouseOptions {
  return { url: '', database: 'tidemark', user: 'default', password: '', memoryMb: 1_024, directory };
}
