import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { ProcessLock } from '../log/embedded/processLock.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { migrate } from '../sinks/clickhouse/migrate.ts';
import type { Topology } from '../topology/topology.ts';
import { type GenerationPlan, planGeneration } from './generationPlan.ts';
import type { GenerationWatch } from './generationWatch.ts';
import { takeLease } from './lease.ts';
import { openClickHouse } from './openLog.ts';
import { throughOutages } from './outages.ts';
import type { TopologyShare } from './ownedTasks.ts';
import { recordsBehind } from './positions.ts';
import type { Role } from './run.ts';
import { Serving } from './serving.ts';
import { SinkPart } from './sinkPart.ts';
import { openRawSink, openResultsSink, RAW_SINK_GROUP, rawTopics, resultsSinkGroup, resultsTopics } from './sinks.ts';
import { TopologyPart } from './topologyPart.ts';
import type { RunnerTotals } from './topologyRunner.ts';
import { TopologyTopics } from './topologyTopics.ts';

export interface PipelineTotals extends RunnerTotals {
  /** Rows acknowledged by ClickHouse. */
  readonly stored: number;
}

export interface PipelineOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: Topology;
  /** Parameters of the topology, as text. */
  readonly set: Readonly<Record<string, string>>;
  readonly watch: GenerationWatch;
  /** The generation to work on until it has become the live one; without it, whichever is live. */
  readonly shadow?: number;
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
  /** Told of what is amiss, but stops nothing. */
  readonly onWarning?: (warning: TidemarkError) => void;
  /** Told when a part begins to wait for a server that is away, and with null when it goes on. */
  readonly onOutage?: (what: string, error: TidemarkError | null) => void;
}

/** Finds the ends that a bounded part goes to; null while they are not known. */
export type Ends = () => Promise<readonly PartitionRange[] | null>;

/** A part of the pipeline that one process at a time has. */
interface Part {
  readonly lease: string;
  readonly what: string;
  /** The group whose positions tell how far the part has come, whichever process has it. */
  readonly group: string;
  readonly ends: Ends | null;
  /** May be called again after it failed. Tells each time that it has come on. */
  run(cameOn: () => void): Promise<void>;
}

/** The parts of one process: the topology's tasks, the sink of raw topics, the sink of results. */
export class Pipeline {
  readonly #options: PipelineOptions;
  /** Aborted from outside, or when a part failed. */
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();
  readonly #tasks: TopologyPart;
  /** Of generations, by their groups: made, or being made. */
  readonly #topics = new Map<string, Promise<TopologyTopics>>();
  /** True once the tasks have committed their last: then it is known what is left to store. */
  #topologyEnded = false;
  #stored = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#stop = AbortSignal.any([options.signal, this.#failed.signal]);
    this.#tasks = new TopologyPart({ ...options, signal: this.#stop, onProgress: () => this.#report() });
  }

  /** Runs until the signal, or until the shadow is the live generation; what was computed by then is stored too. */
  async runLive(): Promise<PipelineTotals> {
    await this.#runParts(null);
    return this.#totals();
  }

  /**
   * Computes and stores all that lies before these ends; a generation that is live already is flushed there.
   * @throws TM_INTERRUPTED
   */
  async runTo(inputEnds: readonly PartitionRange[]): Promise<PipelineTotals> {
    await this.#runParts(inputEnds);
    if (this.#options.signal.aborted) {
      throw new TidemarkError('TM_INTERRUPTED', 'stopped before the end was reached', {
        hint: 'Everything up to here is committed; the same command goes on from there.',
      });
    }
    return this.#totals();
  }

  /** Sinks store what tasks write while they write it; a bounded sink learns its ends when the tasks are done. */
  async #runParts(inputEnds: readonly PartitionRange[] | null): Promise<void> {
    const { roles, shadow } = this.#options;
    const ends: Ends | null = inputEnds === null ? null : async () => inputEnds;
    const whenTopologyEnded = (topics: () => readonly string[]): Ends | null =>
      ends === null ? null : async () => (this.#topologyEnded ? this.#endsOf(topics()) : null);
    await this.#withClickHouse(async (clickhouse) => {
      const parts: Promise<void>[] = [];
      const tasks = roles.has('topology') ? [this.#eachGeneration((plan) => this.#runTasks(plan, inputEnds))] : [];
      parts.push(
        this.#together(tasks).finally(() => {
          this.#topologyEnded = true;
        }),
      );
      if (clickhouse !== null) {
        const results = this.#eachGeneration((plan) => {
          const resultsEnds = whenTopologyEnded(() => resultsTopics(plan));
          return this.#whenLeased(this.#resultsSink(plan, clickhouse, resultsEnds));
        });
        parts.push(results);
        if (shadow === undefined) {
          parts.push(this.#whenLeased(this.#rawSink(clickhouse, whenTopologyEnded(rawTopics))));
        }
      }
      await this.#together(parts);
    });
  }

  /** Does it for one generation, and again for the next, when another has become the live one. */
  async #eachGeneration(run: (plan: GenerationPlan) => Promise<void>): Promise<void> {
    const { topology, set, watch, shadow } = this.#options;
    let number: number;
    do {
      number = shadow ?? watch.known.live;
      await run(planGeneration(topology, set, watch, number));
    } while (!this.#stop.aborted && shadow === undefined && watch.known.live !== number);
  }

  #runTasks(plan: GenerationPlan, inputEnds: readonly PartitionRange[] | null): Promise<void> {
    return this.#throughOutages(`topology ${plan.run}`, async (cameOn) => {
      await this.#tasks.run(plan, await this.#createTopics(plan), inputEnds, cameOn);
    });
  }

  async #endsOf(topics: readonly string[]): Promise<readonly PartitionRange[]> {
    return (await Promise.all(topics.map((topic) => this.#options.log.ranges(topic)))).flat();
  }

  #rawSink(clickhouse: ClickHouse, ends: Ends | null): Part {
    const part = new SinkPart({
      open: () => openRawSink({ ...this.#options, clickhouse }),
      ends,
      drainTo: async () => (this.#topologyEnded ? this.#endsOf(rawTopics()) : null),
      ...this.#sinkWatching(),
    });
    return {
      lease: RAW_SINK_GROUP,
      what: 'the sink of ticks and quotes',
      group: RAW_SINK_GROUP,
      ends,
      run: (cameOn) => part.run(cameOn),
    };
  }

  #resultsSink(plan: GenerationPlan, clickhouse: ClickHouse, ends: Ends | null): Part {
    const { watch, shadow } = this.#options;
    const group = resultsSinkGroup(plan.run);
    const number = plan.generation.number;
    const allWritten: Ends = async () => (this.#topologyEnded ? this.#endsOf(resultsTopics(plan)) : null);
    const part = new SinkPart({
      open: async () => {
        await this.#createTopics(plan);
        return openResultsSink({ ...this.#options, clickhouse }, plan);
      },
      ends,
      drainTo: allWritten,
      // Once another generation is live, this one's tasks write no more.
      retireAt: async () => {
        await watch.look();
        if (shadow !== undefined)
          return watch.get(number).isDropped || watch.known.live === number ? allWritten() : null;
        return watch.known.live === number ? null : this.#endsOf(resultsTopics(plan));
      },
      serving: new Serving({ ...this.#options, plan, clickhouse }),
      ...this.#sinkWatching(),
    });
    return { lease: group, what: `the sink of ${plan.run}`, group, ends, run: (cameOn) => part.run(cameOn) };
  }

  #sinkWatching() {
    return {
      stop: this.#stop,
      failed: this.#failed.signal,
      now: this.#options.now,
      onStored: (rows: number): void => {
        this.#stored += rows;
        this.#report();
      },
    };
  }

  /**
   * Makes the topics of a generation once, for its tasks and for its sink, which reads what the tasks, perhaps in another
   * process, have yet to make. Two that make them at once would be in each other's way at the registry.
   */
  #createTopics(plan: GenerationPlan): Promise<TopologyTopics> {
    const { log, registry, config } = this.#options;
    const { run, inputs } = plan;
    const known = this.#topics.get(run);
    if (known !== undefined) return known;
    const made = log
      .ranges(inputs[0]?.topic ?? '')
      .then(({ length }) => TopologyTopics.create(log, registry, run, plan, { ...config.log, partitions: length }))
      .catch((error: unknown) => {
        this.#topics.delete(run);
        throw error;
      });
    this.#topics.set(run, made);
    return made;
  }

  async #withClickHouse(body: (clickhouse: ClickHouse | null) => Promise<void>): Promise<void> {
    const { roles, config } = this.#options;
    if (!roles.has('sink')) return body(null);
    const clickhouse = await openClickHouse(config);
    try {
      await migrate(clickhouse);
      await body(clickhouse);
    } finally {
      await clickhouse.close();
    }
  }

  /** Runs a part once this process has its lease; bounded, it is enough that the other process reaches the ends. */
  async #whenLeased(part: Part): Promise<void> {
    const { config, log, onWaiting } = this.#options;
    const lock: ProcessLock | null = await takeLease({
      directory: config.data.directory,
      name: part.lease,
      signal: this.#stop,
      onHeld: (pid) => onWaiting(part.what, pid),
      giveUp: async () => {
        const bound = (await part.ends?.()) ?? null;
        return bound !== null && (await recordsBehind(log, part.group, bound)) === 0;
      },
    });
    if (lock === null) return;
    try {
      await this.#throughOutages(part.what, (cameOn) => part.run(cameOn));
    } finally {
      lock.release();
    }
  }

  #throughOutages(what: string, run: (cameOn: () => void) => Promise<void>): Promise<void> {
    const { config, now, onOutage } = this.#options;
    return throughOutages(run, {
      bounds: config.outage,
      now,
      signal: this.#stop,
      onOutage: (error) => onOutage?.(what, error),
    });
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
    return { ...this.#tasks.totals, stored: this.#stored };
  }

  #report(): void {
    this.#options.onProgress(this.#totals());
  }
}
