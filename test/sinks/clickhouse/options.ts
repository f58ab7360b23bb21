import type { ClickHouseOptions } from '../../../src/sinks/clickhouse/connect.ts';

/** The embedded ClickHouse of a data directory. */
export function optionsFor(directory: string): ClickHouseOptions {
  return {
    url: '',
    database: 'tidemark',
    user: 'default',
    password: '',
    requestTimeoutMs: 60_000,
    compression: 'off',
    memoryMb: 1_024,
    directory,
  };
}
