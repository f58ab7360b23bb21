import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Metrics } from '../../src/api/metrics.ts';
import type { IngestSettings } from '../../src/api/parts.ts';
import { type ServedApi, serveApi } from '../../src/api/serve.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import type { Log } from '../../src/log/log.ts';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type ClickHouse, openClickHouse } from '../../src/sinks/clickhouse/connect.ts';

export interface Stores {
  readonly data: string;
  readonly log: Log;
  readonly registry: EmbeddedRegistry;
  readonly clickhouse: ClickHouse;
}

/** A data directory of the calling test file's own, removed after its tests. */
export function temporaryData(): string {
  const data = mkdtempSync(join(tmpdir(), 'tidemark-api-'));
  afterAll(() => rmSync(data, { recursive: true, force: true }));
  return data;
}

export function configOf(data: string): Config {
  return loadConfig({ env: {}, flags: new Map([['data.directory', { value: data, where: 'test' }]]) });
}

/** The real log, registry and ClickHouse of a data directory, closed after the file's tests. */
export async function openStores(data: string): Promise<Stores> {
  const config = configOf(data);
  const log = await openEmbeddedLog({ directory: join(data, 'log'), now: Date.now });
  const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
  const clickhouse = await openClickHouse({ ...config.clickhouse, directory: data });
  afterAll(async () => {
    await clickhouse.close();
    await registry.close();
    await log.close();
  });
  return { data, log, registry, clickhouse };
}

export interface ServeOptions {
  readonly api?: Partial<Config['api']>;
  readonly ingest?: Partial<IngestSettings>;
  readonly clickhouse?: ClickHouse;
  readonly stopping?: AbortSignal;
  readonly waiting?: ReadonlyMap<string, string>;
}

/** The API over stores, on a free port. */
export async function serve(
  { data, log, registry, clickhouse }: Stores,
  options: ServeOptions = {},
): Promise<ServedApi> {
  const config = configOf(data);
  return serveApi({
    log,
    registry,
    clickhouse: options.clickhouse ?? clickhouse,
    config: { ...config.api, port: 0, ...options.api },
    ingest: { ...config.ingest, ...config.log, maxAheadMs: config.watermark.maxAheadMs, ...options.ingest },
    metrics: new Metrics(),
    now: Date.now,
    stopping: options.stopping ?? new AbortController().signal,
    waiting: options.waiting ?? new Map(),
  });
}
