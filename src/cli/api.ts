import type { Config } from '../config.ts';
import type { TidemarkError } from '../errors.ts';
import type { Context } from './context.ts';

/** What the API wants to be told by a pipeline in the same process. */
export interface PipelineWatch {
  readonly onCommit: (durationMs: number) => void;
  readonly onFailed: () => void;
  readonly onOutage: (what: string, error: TidemarkError | null) => void;
}

/** Serves the API as long as `body` goes on, and says where. */
export async function withApi<T>(context: Context, body: (watch: PipelineWatch) => Promise<T>): Promise<T> {
  const { serveApi } = await import('../api/serve.ts');
  const { Metrics } = await import('../api/metrics.ts');
  const metrics = new Metrics();
  const failed = new AbortController();
  const waiting = new Map<string, string>();
  return withStores(context, async (stores) => {
    const api = await serveApi({
      ...stores,
      config: context.config.api,
      ingest: { ...context.config.ingest, ...context.config.log, maxAheadMs: context.config.watermark.maxAheadMs },
      metrics,
      now: Date.now,
      stopping: AbortSignal.any([context.signal, failed.signal]),
      waiting,
    });
    context.err.write(announcement(api, context.config.api));
    try {
      return await body({
        onCommit: (durationMs) => metrics.committed(durationMs),
        onFailed: () => failed.abort(),
        onOutage: (what, error) => {
          if (error === null) {
            waiting.delete(what);
          } else {
            waiting.set(what, error.message);
            metrics.failed(error.code);
          }
        },
      });
    } finally {
      await api.close();
    }
  });
}

function announcement({ url, isOtherPort }: { url: string; isOtherPort: boolean }, { port, key }: Config['api']) {
  const why = isOtherPort ? ` (port ${port} is taken)` : '';
  const header = key === '' ? '' : '-H "x-api-key: $TIDEMARK_API_KEY" ';
  return (
    `Page at ${url}/${why}\n` +
    `API at ${url}, its documentation at ${url}/docs\n` +
    `  curl ${header}'${url}/v1/bars?interval=1m&format=csv'\n`
  );
}

async function withStores<T>(
  { openLog, openRegistry, openClickHouse }: Context,
  body: (stores: {
    readonly log: Awaited<ReturnType<Context['openLog']>>;
    readonly registry: Awaited<ReturnType<Context['openRegistry']>>;
    readonly clickhouse: Awaited<ReturnType<Context['openClickHouse']>>;
  }) => Promise<T>,
): Promise<T> {
  // The registry first: that a broker lacks one is known before it is connected to.
  const registry = await openRegistry();
  try {
    const log = await openLog();
    try {
      const clickhouse = await openClickHouse();
      try {
        return await body({ log, registry, clickhouse });
      } finally {
        await clickhouse.close();
      }
    } finally {
      await log.close();
    }
  } finally {
    await registry.close();
  }
}
