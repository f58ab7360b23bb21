import type { Config } from '../config.ts';
import type { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { planGeneration } from './generationPlan.ts';
import { GenerationWatch } from './generationWatch.ts';
import { openLog, openRegistry } from './openLog.ts';
import type { TopologyShare } from './ownedTasks.ts';
import { Pipeline, type PipelineTotals } from './pipeline.ts';
import { createInputTopics } from './sinks.ts';
import { findTopology } from './topologySource.ts';

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
  /** Told when this process's share of the topology has changed. */
  readonly onShare?: (share: TopologyShare) => void;
  /** Told of what is amiss, but stops nothing. */
  readonly onWarning?: (warning: TidemarkError) => void;
  /** Told when a part begins to wait for a server that is away, and with null when it goes on. */
  readonly onOutage?: (what: string, error: TidemarkError | null) => void;
}

/**
 * Runs the live generation of a topology until it is stopped or, bounded, until it is done. Everything that was taken in is
 * committed when this resolves. Throws what its parts throw.
 */
export async function runPipeline(options: RunOptions): Promise<RunTotals> {
  const { config, set, topologyFile, now } = options;
  const topology = await findTopology(topologyFile);
  return withLog(config, now, async (log, registry) => {
    const watch = await GenerationWatch.open({ log, registry, topology: topology.name }, now);
    const { inputs } = planGeneration(topology, set, watch, watch.known.live);
    const topics = inputs.map(({ topic }) => topic);
    await createInputTopics(log, topics, config.log);
    const pipeline = new Pipeline({ ...options, log, registry, topology, set, watch });
    if (!options.untilEnd) return pipeline.runLive();
    return pipeline.runTo((await Promise.all(topics.map((topic) => log.ranges(topic)))).flat());
  });
}

/** Opens the log and its registry for the length of `body`. */
export async function withLog<T>(
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
