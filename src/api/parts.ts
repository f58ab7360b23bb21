import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Config } from '../config.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import type { Metrics } from './metrics.ts';

/** The topology, and its output, that the API serves. */
export const TOPOLOGY = 'bars';
export const OUTPUT = 'bars';

/** How rows are taken, and what topics are made with that are missing. */
export type IngestSettings = Config['ingest'] & Config['log'] & Pick<Config['watermark'], 'maxAheadMs'>;

/** What the routes work with. */
export interface ApiParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly clickhouse: ClickHouse;
  readonly config: Config['api'];
  readonly ingest: IngestSettings;
  readonly metrics: Metrics;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Aborted when this process is about to end, or one of its tasks has failed. */
  readonly stopping: AbortSignal;
  /** Parts of the pipeline in this process that wait for a server that is away, with what each has met. */
  readonly waiting: ReadonlyMap<string, string>;
}

/** The server as routes see it: parameters and answers are typed by their schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
