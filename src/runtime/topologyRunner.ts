import type { OutputSpec } from '../core/output.ts';
import type { TimeRange } from '../core/timeRange.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, LogReader, PartitionRange, ReadBounds } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import type { MergeBounds } from '../topology/inputs/merge.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { ActivityWatch, endOf } from './activity.ts';
import { type Arrivals, ClockArrivals } from './arrivals.ts';
import { type Base, BaseFollower, hasTakenOver } from './baseFollower.ts';
import { BoundedReader } from './boundedReader.ts';
import type { HandOver } from './generations.ts';
import { type OpenedTask, openTask } from './openTask.ts';
import type { Task } from './task.ts';
import type { CommitBounds } from './taskParts.ts';
import type { TopologyTopics } from './topologyTopics.ts';
import { WallClock, type WallClockBounds } from './wallClock.ts';

export interface TopologyRunnerOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: Topology;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly generation: number;
  /** For a generation that is not the first: what it replays, and behind which other. */
  readonly replay?: { readonly range: TimeRange; readonly base: Base };
  /** A replay that is not live yet ends without a flush: its base decides on those. */
  readonly shadow?: number;
  /** Those of the generation. */
  readonly topics: TopologyTopics;
  readonly readBounds: ReadBounds;
  readonly commitBounds: CommitBounds;
  readonly mergeBounds: MergeBounds;
  /** After how long without a record an input that is at its end holds the others back no more. */
  readonly idleTimeoutMs: number;
  readonly wallClockBounds: WallClockBounds;
  /** In place of those by `now`. */
  readonly arrivals?: Arrivals;
  /** Most records that a restart of a task should read again. */
  readonly maxRereadRecords: number;
  readonly maxAheadMs: number;
  readonly now: () => number;
  /** Told how long each commit of a task took. */
  readonly onCommit?: (durationMs: number) => void;
  /** Told of what is amiss, but stops nothing. */
  readonly onWarning?: (warning: TidemarkError) => void;
}

/** What a topology reads and writes, found without running it. */
export interface TopologyPlan {
  readonly inputs: readonly AssembledInput[];
  readonly outputs: readonly OutputSpec[];
}

/** @throws TM_TOPOLOGY when its steps do not fit together or it has no input */
export function planTopology(
  topology: Topology,
  params: Readonly<Record<string, ParamValue>>,
  generation: number,
): TopologyPlan {
  const assembly = assemble({ topology, params, generation, onElement: () => {} });
  assembly.close();
  const { inputs, outputs } = assembly;
  if (inputs.length === 0) {
    throw new TidemarkError('TM_TOPOLOGY', 'a topology has at least one input', { where: `topology ${topology.name}` });
  }
  return { inputs, outputs };
}

export interface RunnerTotals {
  readonly records: number;
  readonly results: number;
  readonly late: number;
  readonly rejected: number;
  /** Records in the gap between two windows (slide above size). */
  readonly unassigned: number;
}

export const NOTHING: RunnerTotals = { records: 0, results: 0, late: 0, rejected: 0, unassigned: 0 };

/** Runs tasks of one generation of a topology in this process: one for each partition of its input that it is given. */
export class TopologyRunner {
  readonly #options: TopologyRunnerOptions;
  readonly #inputs: readonly AssembledInput[];
  /** How many partitions each input has. */
  readonly inputPartitions: number;
  readonly #readBounds: ReadBounds;
  readonly #arrivals: Arrivals;
  readonly #activity: ActivityWatch;
  readonly #wallClock: WallClock;
  readonly #opened = new Map<number, OpenedTask>();
  /** Reads the partitions of all tasks; those of tasks that are gone are paused. Null before the first task. */
  #reader: LogReader | null = null;
  /** Leads the tasks behind their base; null for tasks that have none, or have all taken over from it. */
  #follower: BaseFollower | null = null;
  /** Partitions whose tasks have flushed at their ends. */
  readonly #flushed = new Set<number>();
  /** Of tasks that are gone. */
  #totalsBefore = NOTHING;

  private constructor(options: TopologyRunnerOptions, inputs: readonly AssembledInput[], inputPartitions: number) {
    const { log, readBounds, commitBounds, idleTimeoutMs, wallClockBounds, now } = options;
    this.inputPartitions = inputPartitions;
    this.#options = options;
    this.#inputs = inputs;
    this.#arrivals = options.arrivals ?? new ClockArrivals(now);
    this.#activity = new ActivityWatch(log, idleTimeoutMs, this.#arrivals);
    this.#wallClock = new WallClock(log, wallClockBounds, this.#arrivals);
    this.#readBounds = { ...readBounds, maxRecords: Math.min(readBounds.maxRecords, commitBounds.maxRecords) };
  }

  /** Without tasks: they come with `add`. @throws what `planTopology` throws */
  static async open(options: TopologyRunnerOptions): Promise<TopologyRunner> {
    const { inputs } = planTopology(options.topology, options.params, options.generation);
    return new TopologyRunner(options, inputs, await partitionsOf(options.log, inputs));
  }

  /** Opens the tasks of more partitions, each at its committed position. @throws what `recoverTask` throws */
  async add(partitions: readonly number[]): Promise<void> {
    const { log } = this.#options;
    const byInput = await Promise.all(this.#inputs.map(({ topic }) => log.ranges(topic)));
    for (const partition of partitions) {
      const ranges = byInput.flatMap((all) => all.filter((range) => range.partition === partition));
      if (ranges.length < byInput.length) throw new RangeError(`an input has no partition ${partition}`);
      this.#opened.set(partition, await openTask(this.#options, this.#inputs, ranges, this.inputPartitions));
      for (const range of ranges) this.#arrivals.cameIn(range);
    }
    await this.#closeReaders();
    await this.#openReaders();
  }

  async #openReaders(): Promise<void> {
    const { log, replay } = this.#options;
    const tasks = this.#tasks;
    const places = tasks.flatMap(({ inputs }) =>
      inputs.all.map(({ place }, input) => ({ ...place, offset: inputs.readTo[input] as number })),
    );
    // It begins anew with every task: what a task has repeated already it does not repeat again.
    const follower = replay === undefined ? null : await BaseFollower.openIfNeeded(this.#options, replay.base, tasks);
    const reader = await log.openReader(places);
    this.#follower = follower;
    this.#reader = follower === null ? reader : new BoundedReader(reader, places, (place) => follower.limitOf(place));
  }

  async #closeReaders(): Promise<void> {
    await this.#reader?.close();
    await this.#follower?.close();
  }

  /** Closes tasks. What they have not committed is for others to do. */
  async drop(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) {
      const opened = this.#opened.get(partition);
      if (opened === undefined) continue;
      this.#opened.delete(partition);
      this.#flushed.delete(partition);
      this.#totalsBefore = sumOf(this.#totalsBefore, totalsOf(opened));
      for (const { place } of opened.task.inputs.all) this.#reader?.pause(place);
      await opened.task.close();
    }
  }

  /** Records taken in for the first time, and result rows, late and rejected records written, since the start. */
  get totals(): RunnerTotals {
    return [...this.#opened.values()].map(totalsOf).reduce(sumOf, this.#totalsBefore);
  }

  /** Those that it has tasks of, in order. */
  get partitions(): readonly number[] {
    return [...this.#opened.keys()].sort((a, b) => a - b);
  }

  /**
   * Processes one chunk, and commits each task that is due. False when nothing came within `waitMs`. Given ends, each task
   * flushes once it has reached its own: whatever it commits there is flushed.
   */
  async step(waitMs: number, ends: readonly PartitionRange[] | null = null): Promise<boolean> {
    const reader = this.#reader;
    await this.#follower?.poll();
    await this.#lead();
    this.#holdBack();
    const chunk = (await reader?.read(this.#readBounds, waitMs)) ?? null;
    if (chunk !== null) {
      const opened = this.#opened.get(chunk.partition);
      if (opened === undefined) throw new RangeError(`no task has partition ${chunk.partition}`);
      this.#arrivals.cameIn(chunk);
      await opened.task.take(chunk);
    }
    if (reader !== null) await this.#skipMarkers(reader);
    await this.#lead();
    for (const task of this.#tasks) {
      await this.#activity.decide(task, ends);
      if (ends !== null) await this.#flushAt(ends, task);
      else if (this.#decidesAlone(task)) await this.#wallClock.decide(task);
      if (task.commitDue) await task.commit();
    }
    return chunk !== null;
  }

  /** Whether every task has processed all that lies before the ends that `step` is given, and has flushed there. */
  get haveFlushed(): boolean {
    return this.#flushed.size === this.#opened.size;
  }

  async commit(partitions: Iterable<number> = this.#opened.keys()): Promise<void> {
    for (const partition of partitions) await this.#opened.get(partition)?.task.commit();
  }

  /** Commits, and takes snapshots: whoever opens these tasks next reads nothing again. */
  async finish(partitions: Iterable<number> = this.#opened.keys()): Promise<void> {
    for (const partition of partitions) await this.#opened.get(partition)?.task.finish();
  }

  /** Whether every task has taken over from its base. */
  hasTakenOver(handOvers: readonly HandOver[]): boolean {
    return this.#tasks.every((task) => hasTakenOver(task, handOvers[task.partition]));
  }

  async close(): Promise<void> {
    // Together: while a broker is away, each takes its time.
    await Promise.all([this.#closeReaders(), ...this.#tasks.map((task) => task.close())]);
  }

  get #tasks(): readonly Task[] {
    return Array.from(this.#opened.values(), ({ task }) => task);
  }

  /** What lies before a reader's position was taken, or is no record: also where another partition keeps it busy. */
  async #skipMarkers(reader: LogReader): Promise<void> {
    for (const task of this.#tasks) {
      for (const [input, { place }] of task.inputs.all.entries()) await task.skipTo(input, reader.position(place));
    }
  }

  /** Inputs that were read far enough ahead of the others are not read on. */
  #holdBack(): void {
    if (this.#inputs.length === 1) return;
    for (const { inputs } of this.#tasks) {
      for (const [input, { place }] of inputs.all.entries()) {
        if (inputs.isPaused(input)) this.#reader?.pause(place);
        else this.#reader?.resume(place);
      }
    }
  }

  async #lead(): Promise<void> {
    for (const task of this.#tasks) await this.#follower?.lead(task);
  }

  /** Of a task with a base, that one's controls are repeated. */
  #decidesAlone(task: Task): boolean {
    return this.#options.shadow === undefined && this.#follower?.isLeading(task) !== true;
  }

  async #flushAt(ends: readonly PartitionRange[], task: Task): Promise<void> {
    const { partition, inputs } = task;
    const isThere = inputs.all.every(({ place }, input) => (inputs.offsets[input] as number) >= endOf(ends, place));
    if (this.#flushed.has(partition) || task.isRereading || !isThere) return;
    this.#flushed.add(partition);
    if (this.#options.shadow === undefined) await task.flush();
  }
}

/** @throws TM_PARTITIONS_DIFFER */
async function partitionsOf(log: Log, inputs: readonly AssembledInput[]): Promise<number> {
  const counts = await Promise.all(inputs.map(async ({ topic }) => (await log.ranges(topic)).length));
  if (new Set(counts).size > 1) {
    const found = inputs.map(({ topic }, i) => `${topic} has ${counts[i]}`).join(', ');
    throw new TidemarkError('TM_PARTITIONS_DIFFER', `inputs have different numbers of partitions: ${found}`, {
      where: inputs.map(({ topic }) => topic).join(', '),
      hint: 'A task takes the same partition of each input. Produce into topics with the same number of partitions.',
    });
  }
  return counts[0] ?? 0;
}

function totalsOf({ task, outbox }: OpenedTask): RunnerTotals {
  return { records: task.newRecords, unassigned: task.unassigned, ...outbox.totals };
}

export function sumOf(a: RunnerTotals, b: RunnerTotals): RunnerTotals {
  return {
    records: a.records + b.records,
    results: a.results + b.results,
    late: a.late + b.late,
    rejected: a.rejected + b.rejected,
    unassigned: a.unassigned + b.unassigned,
  };
}
