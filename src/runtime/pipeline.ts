import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { ProcessLock } from '../log/embedded/processLock.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { migrate } from '../sinks/clickhouse/migrate.ts';
import type { ClickHouseSink } from '../sinks/clickhouse/sink.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { takeLease } from './lease.ts';
import { openClickHouse } from './openLog.ts';
import { throughOutages } from './outages.ts';
import type { Role } from './run.ts';
import { openRawSink, openResultsSink, RAW_SINK_GROUP, rawTopics, resultsSinkGroup, type SinkParts } from './sinks.ts';
import { type RunnerTotals, type TopologyPlan, TopologyRunner } from './topologyRunner.ts';
import { lateTopic, TopologyTopics } from './topologyTopics.ts';

/** How long a step waits for records before it looks whether a commit is due. */
const STEP_WAIT_MS = 50;
/** A stopped live run stores what it has computed, for at most this long. */
const STOP_DRAIN_MS = 10_000;
const NOTHING: RunnerTotals = { records: 0, results: 0, late: 0, rejected: 0, unassigned: 0 };

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
  /** Told when a part begins to wait for a server that is away, and with null when it goes on. */
  readonly onOutage?: (what: string, error: TidemarkError | null) => void;
}

/** Finds the ends that a bounded part goes to; null while they are not known. */
type Ends = () => Promise<readonly PartitionRange[] | null>;

/** A part of the pipeline that one process at a time has. */
interface Part {
  readonly lease: string;
  readonly what: string;
  /** The group whose positions tell how far the part has come, whichever process has it. */
  readonly group: string;
  /** May be called again after it failed. Tells each time that it has come on. */
  run(ends: Ends | null, cameOn: () => void): Promise<void>;
}

/** The parts of one process: the topology's tasks, the sink of raw topics, the sink of results. */
export class Pipeline {
  readonly #options: PipelineOptions;
  /** Aborted from outside, or when a part failed. */
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();
  #runner: TopologyRunner | null = null;
  #earlier: RunnerTotals = NOTHING;
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
      const topology = this.#together(
        this.#topologyParts().map((part) => this.#whenLeased(part, topologyEnds)),
      ).finally(() => {
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

  #topologyParts(): readonly Part[] {
    const { roles, topology } = this.#options;
    if (!roles.has('topology')) return [];
    const run: Part['run'] = (ends, cameOn) => this.#runTopology(ends, cameOn);
    return [{ lease: `topology.${topology.name}`, what: `topology ${topology.name}`, group: topology.name, run }];
  }

  async #withClickHouse(body: (sinks: readonly Part[]) => Promise<void>): Promise<void> {
    const { roles, config, topology, plan, log, registry, generation, now } = this.#options;
    if (!roles.has('sink')) return body([]);
    const clickhouse: ClickHouse = await openClickHouse(config);
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
          run: (ends, cameOn) => this.#runSink(() => openRawSink(parts), ends, RAW_SINK_GROUP, cameOn),
        },
        {
          lease: results,
          what: `the sink of ${topology.name}`,
          group: results,
          run: (ends, cameOn) =>
            this.#runSink(() => openResultsSink(parts, topology.name, generation, plan.outputs), ends, results, cameOn),
        },
      ]);
    } finally {
      await clickhouse.close();
    }
  }

  /** Runs a part once this process has its lease; bounded, it is enough that the other process reaches the ends. */
  async #whenLeased(part: Part, ends: Ends | null): Promise<void> {
    const { config, now, onWaiting, onOutage } = this.#options;
    const lock: ProcessLock | null = await takeLease({
      directory: config.data.directory,
      name: part.lease,
      signal: this.#stop,
      onHeld: (pid) => onWaiting(part.what, pid),
      giveUp: async () => this.#committedTo(part.group, (await ends?.()) ?? null),
    });
    if (lock === null) return;
    try {
      await throughOutages((cameOn) => part.run(ends, cameOn), {
        bounds: config.outage,
        now,
        signal: this.#stop,
        onOutage: (error) => onOutage?.(part.what, error),
      });
    } finally {
      lock.release();
    }
  }

  async #committedTo(group: string, ends: readonly PartitionRange[] | null): Promise<boolean> {
    if (ends === null) return false;
    const committed = await this.#options.log.committed(group);
    return ends.every(({ topic, partition, begin, end }) => {
      const own = committed.find((position) => position.topic === topic && position.partition === partition);
      return (own?.offset ?? begin) >= end;
    });
  }

  async #runTopology(ends: Ends | null, cameOn: () => void): Promise<void> {
    const { config } = this.#options;
    const runner = await TopologyRunner.open({
      ...this.#options,
      maxAheadMs: config.watermark.maxAheadMs,
      topicSettings: config.log,
      readBounds: { maxRecords: config.topology.maxRecordsPerChunk, maxBytes: config.topology.maxBytesPerChunk },
      commitBounds: config.commit,
    });
    this.#runner = runner;
    try {
      const bound = ends === null ? null : await ends();
      while (!this.#stop.aborted && !(bound !== null && runner.reached(bound))) {
        await runner.step(STEP_WAIT_MS);
        cameOn();
        this.#report();
        // A log that answers at once would keep sinks and signals waiting.
        await nextTurn();
      }
      if (bound !== null && runner.reached(bound)) runner.flush();
      await runner.commit();
      this.#report();
    } finally {
      this.#earlier = this.#runnerTotals();
      this.#runner = null;
      await runner.close();
    }
  }

  async #runSink(
    open: () => Promise<ClickHouseSink>,
    ends: Ends | null,
    group: string,
    cameOn: () => void,
  ): Promise<void> {
    const sink = await open();
    try {
      let bound: readonly PartitionRange[] | null = null;
      while (!this.#stop.aborted && !(bound !== null && sink.reached(bound))) {
        await this.#store(sink, STEP_WAIT_MS);
        cameOn();
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
    return { ...this.#runnerTotals(), stored: this.#stored };
  }

  /** Of all runners: each outage ends one. */
  #runnerTotals(): RunnerTotals {
    const { records, results, late, rejected, unassigned } = this.#earlier;
    const now = this.#runner?.totals ?? NOTHING;
    return {
      records: records + now.records,
      results: results + now.results,
      late: late + now.late,
      rejected: rejected + now.rejected,
      unassigned: unassigned + now.unassigned,
    };
  }

  #report(): void {
    this.#options.onProgress(this.#totals());
  }
}
