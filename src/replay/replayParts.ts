import type { Config } from '../config.ts';
import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { Generation, GenerationParts } from '../runtime/generations.ts';
import { GenerationWatch } from '../runtime/generationWatch.ts';
import { openClickHouse } from '../runtime/openLog.ts';
import { Pipeline, type PipelineTotals } from '../runtime/pipeline.ts';
import { withLog } from '../runtime/run.ts';
import { findTopology } from '../runtime/topologySource.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import type { Topology } from '../topology/topology.ts';

export interface ReplayOptions {
  /** Path of a topology file; the packaged bars topology without one. */
  readonly topologyFile?: string;
  /** The name that the topology must have; any without it. */
  readonly name?: string;
  /** Parameters of the topology, as text. */
  readonly set: Readonly<Record<string, string>>;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Told when a generation is computed: whether it goes on from earlier, and how many records it has yet to read. */
  readonly onBegin: (generation: number, isResumed: boolean, records: number) => void;
  readonly onProgress: (totals: PipelineTotals) => void;
  /** Told when another process does the work that this one waits for. */
  readonly onWaiting: (what: string, pid: number) => void;
  /** Told of what is amiss, but stops nothing. */
  readonly onWarning?: (warning: TidemarkError) => void;
}

/** What a replay works with. */
export interface ReplayParts extends GenerationParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly definition: Topology;
  /** Its parameters, as text. */
  readonly set: Readonly<Record<string, string>>;
  readonly watch: GenerationWatch;
}

/** Opens what a replay works with for the length of `body`. @throws TM_USAGE when the topology has another name */
export async function withReplay<T>(
  { topologyFile, name, set, config, now }: Pick<ReplayOptions, 'topologyFile' | 'name' | 'set' | 'config' | 'now'>,
  body: (parts: ReplayParts) => Promise<T>,
): Promise<T> {
  const definition = await findTopology(topologyFile);
  if (name !== undefined && definition.name !== name) {
    throw new TidemarkError('TM_USAGE', `the topology is called ${definition.name}, not ${name}`, {
      where: '--topology',
      hint: 'Give the file of the topology as the argument, and its name.',
    });
  }
  return withLog(config, now, async (log, registry) => {
    const topology = definition.name;
    const watch = await GenerationWatch.open({ log, registry, topology }, now);
    return body({ log, registry, topology, definition, set, watch });
  });
}

/** A pipeline that computes and stores one generation until it is the live one. */
export function shadowPipeline(options: ReplayOptions, parts: ReplayParts, generation: number): Pipeline {
  return new Pipeline({
    ...options,
    ...parts,
    topology: parts.definition,
    shadow: generation,
    roles: new Set(['topology', 'sink']),
  });
}

/** Where the tasks of a generation stand, as the ends of the one that follows it: of all partitions, in order. */
export async function endsOf(
  { log, topology }: GenerationParts,
  base: number,
  { starts }: Generation,
): Promise<readonly PartitionRange[]> {
  const committed = await log.committed(generationTopic(topology, base));
  const topic = committed[0]?.topic ?? '';
  return starts.map(({ position }, partition) => ({
    topic,
    partition,
    begin: position,
    end: committed.find((own) => own.partition === partition)?.offset ?? Math.max(0, position),
  }));
}

export function nothing({ topology }: GenerationParts, message: string): TidemarkError {
  return new TidemarkError('TM_REPLAY_NOTHING', message, {
    where: `topology ${topology}`,
    hint: '`tidemark replay start` begins a replay; `tidemark replay status` shows the generations.',
  });
}

export async function withClickHouse<T>(config: Config, body: (clickhouse: ClickHouse) => Promise<T>): Promise<T> {
  const clickhouse = await openClickHouse(config);
  try {
    return await body(clickhouse);
  } finally {
    await clickhouse.close();
  }
}
