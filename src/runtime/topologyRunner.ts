import { TidemarkError } from '../errors.ts';
import type { Log, LogReader, PartitionRange, ReadBounds, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { AssembledInput } from '../topology/assemble.ts';
import type { MergeBounds } from '../topology/inputs/merge.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { ActivityWatch, endOf } from './activity.ts';
import { type Arrivals, ClockArrivals } from './arrivals.ts';
import { BaseFollower, hasTakenOver } from './baseFollower.ts';
import { BoundedReader } from './boundedReader.ts';
import type { ReplayPlan } from './generationPlan.ts';
import type { HandOver } from './generations.ts';
import { joinedRanges } from './history.ts';
import { HistoryReader } from './historyReader.ts';
import { type OpenedTask, openTask } from './openTask.ts';
import type { Task } from './task.ts';
import type { TaskInputs } from './taskInputs.ts';
import type { CommitBounds } from './taskParts.ts';
import { planTopology, type TopologyPlan } from './topologyPlan.ts';
import type { TopologyTopics } from './topologyTopics.ts';
import { WallClock, type WallClockBounds } from './wallClock.ts';

export interface TopologyRunnerOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: Topology;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly generation: number;
  /** For a generation that is not the first. */
  readonly replay?: ReplayPlan;
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
  readonly #plan: TopologyPlan;
  /** How many partitions each input has. */
  readonly inputPartitions: number;
  readonly #readBounds: ReadBounds;
  readonly #arrivals: Arrivals;
  readonly #activity: ActivityWatch;
  readonly #wallClock: WallClock;
  /** The tasks of each partition, by stage: the later stages read what the earlier ones have written. */
  readonly #opened = new Map<number, readonly OpenedTask[]>();
  /** Reads the partitions of all tasks; those of tasks that are gone are paused. Null before the first task. */
  #reader: LogReader | null = null;
  /** Leads the tasks behind their base; null for tasks that have none, or have all taken over from it. */
  #follower: BaseFollower | null = null;
  /** Tasks that have flushed at their ends. */
  readonly #flushed = new Set<Task>();
  /** Of tasks that are gone. */
  #totalsBefore = NOTHING;

  private constructor(options: TopologyRunnerOptions, plan: TopologyPlan, inputPartitions: number) {
    const { log, readBounds, commitBounds, idleTimeoutMs, wallClockBounds, now } = options;
    this.inputPartitions = inputPartitions;
    this.#options = options;
    this.#plan = plan;
    this.#arrivals = options.arrivals ?? new ClockArrivals(now);
    this.#activity = new ActivityWatch(log, idleTimeoutMs, this.#arrivals);
    this.#wallClock = new WallClock(log, wallClockBounds, this.#arrivals);
    this.#readBounds = { ...readBounds, maxRecords: Math.min(readBounds.maxRecords, commitBounds.maxRecords) };
  }

  /** Without tasks: they come with `add`. @throws what `planTopology` throws */
  static async open(options: TopologyRunnerOptions): Promise<TopologyRunner> {
    const plan = planTopology(options.topology, options.params, options.generation);
    return new TopologyRunner(options, plan, await partitionsOf(options.log, plan.inputs));
  }

  /** Opens the tasks of more partitions, each at its committed position. @throws what `recoverTask` throws */
  async add(partitions: readonly number[]): Promise<void> {
    const { log, replay } = this.#options;
    const { inputs, repartitions } = this.#plan;
    const topics = [...inputs, ...repartitions].map(({ topic }) => topic);
    const history = replay?.history ?? null;
    const rangesOf = async (topic: string) => [topic, await joinedRanges(log, topic, history)] as const;
    const ranges = new Map(await Promise.all(topics.map(rangesOf)));
    for (const partition of partitions) {
      const tasks: OpenedTask[] = [];
      this.#opened.set(partition, tasks);
      for (const stage of repartitions.length === 0 ? ([0] as const) : ([0, 1] as const)) {
        const place = { stage, partition, partitions: this.inputPartitions };
        tasks.push(await openTask(this.#options, this.#plan, place, (topic) => ranges.get(topic) ?? []));
      }
      for (const topic of topics) this.#arrivals.cameIn({ topic, partition });
    }
    await this.#closeReaders();
    await this.#openReaders();
  }

  async #openReaders(): Promise<void> {
    const { log, replay } = this.#options;
    const tasks = this.#tasks;
    const places = tasks.flatMap(({ inputs }) =>
      inputs.places.map((place, i) => ({ ...place, offset: inputs.readTo[i] as number })),
    );
    // It begins anew with every task: what a task has repeated already it does not repeat again.
    const follower = replay === undefined ? null : await BaseFollower.openIfNeeded(this.#options, replay.base, tasks);
    const history = replay?.history ?? null;
    const reader = history === null ? await log.openReader(places) : await HistoryReader.open(log, history, places);
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
      for (const each of opened) {
        this.#flushed.delete(each.task);
        this.#totalsBefore = sumOf(this.#totalsBefore, totalsOf(each));
        for (const place of each.task.inputs.places) this.#reader?.pause(place);
        await each.task.close();
      }
    }
  }

  /** Records taken in for the first time, and result rows, late and rejected records written, since the start. */
  get totals(): RunnerTotals {
    return [...this.#opened.values()].flat().map(totalsOf).reduce(sumOf, this.#totalsBefore);
  }

  /** The topics between the stages. */
  get repartitions(): TopologyPlan['repartitions'] {
    return this.#plan.repartitions;
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
    this.#holdBack(ends);
    const chunk = (await reader?.read(this.#readBounds, waitMs)) ?? null;
    if (chunk !== null) {
      this.#arrivals.cameIn(chunk);
      await this.#taskOf(chunk).take(chunk);
    }
    if (reader !== null) await this.#skipMarkers(reader);
    await this.#lead();
    for (const task of this.#tasks) {
      await this.#activity.decide(task, ends);
      if (ends !== null) await this.#flushAt(ends, task);
      else if (this.#decidesAlone(task)) await this.#wallClock.decide(task);
      if (task.canRest && (await this.#activity.hasNothing(task, ends))) await task.rest();
      if (task.commitDue) await task.commit();
    }
    return chunk !== null;
  }

  /** Whether every task has processed all that lies before the ends that `step` is given, and has flushed there. */
  get haveFlushed(): boolean {
    return this.#tasks.every((task) => this.#flushed.has(task));
  }

  async commit(partitions: Iterable<number> = this.#opened.keys()): Promise<void> {
    for (const task of this.#tasksOf(partitions)) await task.commit();
  }

  /** Commits, and takes snapshots: whoever opens these tasks next reads nothing again. */
  async finish(partitions: Iterable<number> = this.#opened.keys()): Promise<void> {
    for (const task of this.#tasksOf(partitions)) await task.finish();
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
    return this.#tasksOf(this.#opened.keys());
  }

  /** Those of some partitions. */
  #tasksOf(partitions: Iterable<number>): readonly Task[] {
    return Array.from(partitions, (partition) => this.#opened.get(partition) ?? []).flatMap((tasks) =>
      tasks.map(({ task }) => task),
    );
  }

  /** The task that reads a partition of a topic. */
  #taskOf({ topic, partition }: TopicPartition): Task {
    const tasks = this.#tasksOf([partition]);
    const task = tasks.find(({ inputs }) => inputs.places.some((place) => place.topic === topic));
    if (task === undefined) throw new RangeError(`no task has partition ${partition} of ${topic}`);
    return task;
  }

  /** What lies before a reader's position was taken, or is no record: also where another partition keeps it busy. */
  async #skipMarkers(reader: LogReader): Promise<void> {
    for (const task of this.#tasks) {
      for (const [i, place] of task.inputs.places.entries()) await task.skipTo(i, reader.position(place));
    }
  }

  /** Inputs that were read far enough ahead of the others are not read on. */
  #holdBack(ends: readonly PartitionRange[] | null): void {
    for (const { inputs } of this.#tasks) {
      if (inputs.all.length === 1) continue;
      for (const [i, place] of inputs.places.entries()) {
        const again = inputs.rereadFrom(i);
        if (again !== null) this.#reader?.seek(place, again);
        if (inputs.isPaused(i, ends)) this.#reader?.pause(place);
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
    if (this.#flushed.has(task) || task.isRereading || !hasReached(task.inputs, ends)) return;
    this.#flushed.add(task);
    if (this.#options.shadow === undefined) await task.flush();
  }
}

/** Whether all that lies before these ends is taken in. */
function hasReached(inputs: TaskInputs, ends: readonly PartitionRange[]): boolean {
  const { all, places, offsets } = inputs;
  const rested = all.map((_, input) => inputs.hasRested(input, ends));
  if (rested.some((each) => each !== null)) return rested.every((each) => each === true);
  return places.every((place, i) => (offsets[i] as number) >= endOf(ends, place));
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
  // What a later stage reads are the records that the first one has counted.
  const isFirst = task.inputs.all.every(({ upstream }) => upstream === null);
  return { records: isFirst ? task.newRecords : 0, unassigned: task.unassigned, ...outbox.totals };
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
