import type { Config } from '../config.ts';
import type { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { openLog, openRegistry } from './openLog.ts';
import { Pipeline, type PipelineTotals } from './pipeline.ts';
import { createInputTopics } from './sinks.ts';
import { planTopology } from './topologyRunner.ts';
import { findTopology, paramsOf } from './topologySource.ts';

/** What a process does: run the tasks of a topology, or store what is in the log. */
export type Role = 'topology' | 'sink';

export type RunTotals = PipelineTotals;

export interface RunOptions {
  /** Path of a topology file; the packaged bars topology without one. */
  readonly topologyFile?: string;
  /** Parameters of the topology, as text. */
  readonly set: Readonly<Record<string, string>>;
  readonly roles: ReadonlySet<Role>;
  /** Ends by itself once everything that was in the inputs at the start is computed, flushed and stored. */
  readonly untilEnd: boolean;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Totals so far, after each step. */
  readonly onProgress: (totals: RunTotals) => void;
  /** Told how long each commit of a task took. */
  readonly onCommit?: (durationMs: number) => void;
  /** Told at once when a part has failed: the others come to their ends first. */
  readonly onFailed?: () => void;
  /** Told when another process does the work that this one waits for. */
  readonly onWaiting: (what: string, pid: number) => void;
  /** Told when a part begins to wait for a server that is away, and with null when it goes on. */
  readonly onOutage?: (what: string, error: TidemarkError | null) => void;
}

/** The generation that a live run writes. */
const LIVE_GENERATION = 1;

/**
 * Runs a topology until it is stopped or, bounded, until it is done. Everything that was taken in is committed when this
 * resolves. Throws what its parts throw.
 */
export async function runPipeline(options: RunOptions): Promise<RunTotals> {
  const { config, set, topologyFile } = options;
  const topology = await findTopology(topologyFile);
  const params = paramsOf(topology, set);
  const plan = planTopology(topology, params, LIVE_GENERATION);
  return withLog(config, options.now, async (log, registry) => {
    await createInputTopics(log, plan.input.topic, config.log);
    const pipeline = new Pipeline({ ...options, log, registry, topology, params, plan, generation: LIVE_GENERATION });
    return options.untilEnd ? pipeline.runToEnd() : pipeline.runLive();
  });
}

async function withLog<T>(
  config: Config,
  now: () => number,
  body: (log: Log, registry: SchemaRegistry) => Promise<T>,
): Promise<T> {
  // The registry first: that a broker lacks one is known before it is connected to.
  const registry = await openRegistry(config);
  try {
    const log = await openLog(config, now);
    try {
      return await body(log, registry);
    } finally {
      await log.close();
    }
  } finally {
    await registry.close();
  }
}
