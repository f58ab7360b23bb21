import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { ProcessLock } from '../log/embedded/processLock.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type ClickHouse, openClickHouse } from '../sinks/clickhouse/connect.ts';
import { migrate } from '../sinks/clickhouse/migrate.ts';
import type { ClickHouseSink } from '../sinks/clickhouse/sink.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { takeLease } from './lease.ts';
import { OwnedTasks, type TopologyShare } from './ownedTasks.ts';
import { isCommittedTo } from './positions.ts';
import type { Role } from './run.ts';
import { openRawSink, openResultsSink, RAW_SINK_GROUP, rawTopics, resultsSinkGroup, type SinkParts } from './sinks.ts';
import { NOTHING, type RunnerTotals, type TopologyPlan } from './topologyRunner.ts';
import { lateTopic, TopologyTopics } from './topologyTopics.ts';

/** How long a step waits for records before it looks whether a commit is due. */
const STEP_WAIT_MS = 50;
/** A stopped live run stores what it has computed, for at most this long. */
const STOP_DRAIN_MS = 10_000;

export interface PipelineTotals extends RunnerTotals {
  /** Rows acknowledged by ClickHouse. */
  readonly stored: number;
}

export interface PipelineOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: Topology;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly plan: TopologyPlan;
  readonly generation: number;
  readonly roles: ReadonlySet<Role>;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onProgress: (totals: PipelineTotals) => void;
  readonly onCommit?: (durationMs: number) => void;
  /** Told at once when a part has failed: the others come to their ends first. */
  readonly onFailed?: () => void;
  readonly onWaiting: (what: string, pid: number) => void;
  readonly onShare?: (share: TopologyShare) => void;
}

/** Finds the ends that a bounded part goes to; null while they are not known. */
type Ends = () => Promise<readonly PartitionRange[] | null>;

/** A part of the pipeline that one process at a time has. */
interface Part {
  readonly lease: string;
  readonly what: string;
  /** The group whose positions tell how far the part has come, whichever process has it. */
  readonly group: string;
  run(ends: Ends | null): Promise<void>;
}

/** The parts of one process: the topology's tasks, the sink of raw topics, the sink of results. */
export class Pipeline {
  readonly #options: PipelineOptions;
  /** Aborted from outside, or when a part failed. */
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();
  #tasks: OwnedTasks | null = null;
  /** True once the tasks have committed their last: then it is known what is left to store. */
  #topologyEnded = false;
  #stored = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#stop = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  /** Runs until the signal; what was computed by then is stored too. */
  async runLive(): Promise<PipelineTotals> {
    await this.#runParts(null, () => null);
    return this.#totals();
  }

  /** Computes, flushes and stores all that lies before the ends that the inputs have now. */
  async runToEnd(): Promise<PipelineTotals> {
    const { log, plan } = this.#options;
    const inputEnds = await log.ranges(plan.input.topic);
    await this.#runParts(
      async () => inputEnds,
      (sink) => async () => (this.#topologyEnded ? this.#ends(sink.group) : null),
    );
    if (this.#options.signal.aborted) {
      throw new TidemarkError('TM_INTERRUPTED', 'stopped before the end was reached', {
        hint: 'Everything up to here is committed; the same command goes on from there.',
      });
    }
    return this.#totals();
  }

  /** Sinks store what tasks write while they write it; a bounded sink learns its ends when the tasks are done. */
  async #runParts(topologyEnds: Ends | null, sinkEnds: (sink: Part) => Ends | null): Promise<void> {
    await this.#withClickHouse(async (sinks) => {
      const runsTopology = this.#options.roles.has('topology');
      const topology = this.#together(runsTopology ? [this.#runTopology(topologyEnds)] : []).finally(() => {
        this.#topologyEnded = true;
      });
      await this.#together([topology, ...sinks.map((sink) => this.#whenLeased(sink, sinkEnds(sink)))]);
    });
  }

  /** Ends, as of now, of the topics that a sink's group reads. */
  async #ends(group: string): Promise<readonly PartitionRange[]> {
    const { log, topology, plan } = this.#options;
    const topics =
      group === RAW_SINK_GROUP ? rawTopics() : [...plan.outputs.map(({ topic }) => topic), lateTopic(topology.name)];
    return (await Promise.all(topics.map((topic) => log.ranges(topic)))).flat();
  }

  async #withClickHouse(body: (sinks: readonly Part[]) => Promise<void>): Promise<void> {
    const { roles, config, topology, plan, log, registry, generation, now } = this.#options;
    if (!roles.has('sink')) return body([]);
    const clickhouse: ClickHouse = await openClickHouse({ ...config.clickhouse, directory: config.data.directory });
    try {
      await migrate(clickhouse);
      const parts: SinkParts = { log, registry, clickhouse, config, now };
      const settings = { ...config.log, partitions: (await log.ranges(plan.input.topic)).length };
      await TopologyTopics.create(log, registry, topology.name, plan.outputs, settings);
      const results = resultsSinkGroup(topology.name);
      await body([
        {
          lease: RAW_SINK_GROUP,
          what: 'the sink of ticks and quotes',
          group: RAW_SINK_GROUP,
          run: (ends) => this.#runSink(() => openRawSink(parts), ends, RAW_SINK_GROUP),
        },
        {
          lease: results,
          what: `the sink of ${topology.name}`,
          group: results,
          run: (ends) =>
            this.#runSink(() => openResultsSink(parts, topology.name, generation, plan.outputs), ends, results),
        },
      ]);
    } finally {
      await clickhouse.close();
    }
  }

  /** Runs a part once this process has its lease; bounded, it is enough that the other process reaches the ends. */
  async #whenLeased(part: Part, ends: Ends | null): Promise<void> {
    const { config, log, onWaiting } = this.#options;
    const lock: ProcessLock | null = await takeLease({
      directory: config.data.directory,
      name: part.lease,
      signal: this.#stop,
      onHeld: (pid) => onWaiting(part.what, pid),
      giveUp: async () => {
        const bound = (await ends?.()) ?? null;
        return bound !== null && isCommittedTo(log, part.group, bound);
      },
    });
    if (lock === null) return;
    try {
      await part.run(ends);
    } finally {
      lock.release();
    }
  }

  /** Runs the tasks of the partitions that this process has; bounded, until its own and those of others are at the ends. */
  async #runTopology(ends: Ends | null): Promise<void> {
    const { config, plan } = this.#options;
    const options = {
      ...this.#options,
      maxAheadMs: config.watermark.maxAheadMs,
      topicSettings: config.log,
      readBounds: { maxRecords: config.topology.maxRecordsPerChunk, maxBytes: config.topology.maxBytesPerChunk },
      commitBounds: config.commit,
    };
    const tasks = await OwnedTasks.join(options, plan.input.topic);
    this.#tasks = tasks;
    try {
      const bound = (await ends?.()) ?? null;
      while (!this.#stop.aborted && !(bound !== null && (await tasks.reached(bound)))) {
        await tasks.step(STEP_WAIT_MS, bound);
        this.#report();
        // A log that answers at once would keep sinks and signals waiting.
        await nextTurn();
      }
      await tasks.commit();
      this.#report();
    } finally {
      await tasks.close();
    }
  }

  async #runSink(open: () => Promise<ClickHouseSink>, ends: Ends | null, group: string): Promise<void> {
    const sink = await open();
    try {
      let bound: readonly PartitionRange[] | null = null;
      while (!this.#stop.aborted && !(bound !== null && sink.reached(bound))) {
        await this.#store(sink, STEP_WAIT_MS);
        bound ??= (await ends?.()) ?? null;
      }
      if (ends === null && !this.#failed.signal.aborted) await this.#drain(sink, group);
    } finally {
      await sink.close();
    }
  }

  /** After a stop: stores what the tasks have written by their end, within a bound. */
  async #drain(sink: ClickHouseSink, group: string): Promise<void> {
    const { now } = this.#options;
    const deadline = now() + STOP_DRAIN_MS;
    let done = false;
    while (!done && now() < deadline) {
      await this.#store(sink, STEP_WAIT_MS);
      done = this.#topologyEnded && sink.reached(await this.#ends(group));
    }
  }

  async #store(sink: ClickHouseSink, waitMs: number): Promise<void> {
    const stored = await sink.step(waitMs);
    this.#stored += stored;
    this.#report();
  }

  /** All of it, or the first failure, once every part has stopped. */
  async #together(parts: readonly Promise<void>[]): Promise<void> {
    const guarded = parts.map((part) =>
      part.catch((error: unknown) => {
        this.#failed.abort();
        this.#options.onFailed?.();
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(guarded)).find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #totals(): PipelineTotals {
    return { ...(this.#tasks?.totals ?? NOTHING), stored: this.#stored };
  }

  #report(): void {
    this.#options.onProgress(this.#totals());
  }
}
