import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { waitForServer } from './outages.ts';

export type OpenedRegistry = SchemaRegistry & { close(): Promise<void> };

/**
 * Opens the log that the configuration names: a broker's, or the embedded one, which is made when missing.
 * @throws TM_BROKER_CLIENT, TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS, TM_LOG_DIRECTORY, TM_LOG_FORMAT
 */
export async function openLog(config: Config, now: () => number): Promise<Log> {
  if (usesBroker(config)) {
    const { openKafkaLog } = await import('../log/kafka/kafkaLog.ts');
    return openKafkaLog({ ...config.broker, ...config.outage });
  }
  const { openEmbeddedLog } = await import('../log/embedded/embeddedLog.ts');
  return openEmbeddedLog({ directory: logDirectory(config), now });
}

/** False when the log is to be embedded and is not there yet. */
export function hasLog(config: Config): boolean {
  return usesBroker(config) || existsSync(logDirectory(config));
}

/**
 * Opens the registry that goes with the log.
 * @throws TM_USAGE when a broker comes without a registry
 */
export async function openRegistry(config: Config): Promise<OpenedRegistry> {
  if (config.registry.url !== '') {
    const { httpRegistry } = await import('../log/registry/httpRegistry.ts');
    return httpRegistry(config.registry);
  }
  if (usesBroker(config)) {
    throw new TidemarkError('TM_USAGE', 'a broker needs a schema registry', {
      where: '--brokers',
      hint: 'Give --registry URL (registry.url): the embedded registry is not shared with other users of the broker.',
    });
  }
  const { openEmbeddedRegistry } = await import('../log/registry/embeddedRegistry.ts');
  return openEmbeddedRegistry({ directory: logDirectory(config) });
}

/**
 * Opens the ClickHouse that the configuration names: a server, or the one embedded in the data directory.
 * @throws TM_CLICKHOUSE_UNREACHABLE, TM_CLICKHOUSE_OPEN, TM_CLICKHOUSE_VERSION
 */
export async function openClickHouse({ clickhouse, data, outage }: Config): Promise<ClickHouse> {
  const connect = await import('../sinks/clickhouse/connect.ts');
  return waitForServer(outage.startTimeoutMs, () =>
    connect.openClickHouse({ ...clickhouse, directory: data.directory }),
  );
}

function usesBroker({ broker }: Config): boolean {
  return broker.urls !== '';
}

function logDirectory({ data }: Config): string {
  return join(data.directory, 'log');
}
