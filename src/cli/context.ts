import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { Log } from '../log/log.ts';
import type { OpenedRegistry } from '../runtime/openLog.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import type { Output } from './output.ts';

/** What the process gives to its one command. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT or SIGTERM, and when the reader of standard output has gone. */
  readonly signal: AbortSignal;
  /** Results. */
  readonly out: Output;
  /** Words. */
  readonly err: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

/** What a command's body works with. The openers load their parts only when called, so that light commands stay light. */
export interface Context extends Surroundings {
  readonly config: Config;
  /** Results, and errors, as JSON. */
  readonly json: boolean;
  /** Makes the log when there is none. */
  openLog(): Promise<Log>;
  /** Null when the data directory holds no log: for commands that only look. */
  openLogIfAny(): Promise<Log | null>;
  openRegistry(): Promise<OpenedRegistry>;
  openClickHouse(): Promise<ClickHouse>;
}

/** The options that are configuration, or that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly data?: string;
  readonly brokers?: string;
  readonly registry?: string;
  /** Of the commands that serve the API. */
  readonly port?: string;
  readonly json?: boolean;
}

/**
 * Makes commander's action of a command's body, which takes its arguments from `command.args` and its options from
 * `command.opts()`. A command file declares its command and imports what is heavy inside its body.
 */
export type Act = (body: (context: Context, command: Command) => Promise<void>) => (this: Command) => Promise<void>;

export async function makeContext(surroundings: Surroundings, options: GlobalOptions): Promise<Context> {
  const { loadConfig } = await import('../config/load.ts');
  const config = loadConfig({
    file: options.config,
    env: surroundings.env,
    flags: flagValues(options),
  });
  const openLog = async (): Promise<Log> => {
    const open = await import('../runtime/openLog.ts');
    return open.openLog(config, Date.now);
  };
  return {
    ...surroundings,
    config,
    json: options.json === true,
    openLog,
    async openLogIfAny() {
      const { hasLog } = await import('../runtime/openLog.ts');
      return hasLog(config) ? openLog() : null;
    },
    async openRegistry() {
      const open = await import('../runtime/openLog.ts');
      return open.openRegistry(config);
    },
    async openClickHouse() {
      const open = await import('../runtime/openLog.ts');
      return open.openClickHouse(config);
    },
  };
}

/** Flags that set configuration values, by the values' keys. */
function flagValues({ data, brokers, registry, port }: GlobalOptions): Map<string, { value: string; where: string }> {
  const flags = new Map<string, { value: string; where: string }>();
  if (data !== undefined) flags.set('data.directory', { value: data, where: '--data' });
  if (brokers !== undefined) flags.set('broker.urls', { value: brokers, where: '--brokers' });
  if (registry !== undefined) flags.set('registry.url', { value: registry, where: '--registry' });
  if (port !== undefined) flags.set('api.port', { value: port, where: '--port' });
  return flags;
}
