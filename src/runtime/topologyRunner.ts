import { generationTopic, type OutputSpec } from '../core/output.ts';
import type { TimeRange } from '../core/timeRange.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, LogReader, PartitionRange, ReadBounds } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { type Base, BaseFollower, hasTakenOver } from './baseFollower.ts';
import { BoundedReader } from './boundedReader.ts';
import type { HandOver } from './generations.ts';
import { InputStage } from './inputStage.ts';
import { Outbox } from './outbox.ts';
import { fingerprintOf, recoverTask } from './recovery.ts';
import { SnapshotSchedule } from './snapshotSchedule.ts';
import { Snapshots } from './snapshots.ts';
import { type CommitBounds, Task } from './task.ts';
import type { TopologyTopics } from './topologyTopics.ts';

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
  readonly input: AssembledInput;
  readonly outputs: readonly OutputSpec[];
}

/** @throws TM_TOPOLOGY when its steps do not fit together or it has more than one input */
export function planTopology(
  topology: Topology,
  params: Readonly<Record<string, ParamValue>>,
  generation: number,
): TopologyPlan {
  const assembly = assemble({ topology, params, generation, onElement: () => {} });
  assembly.close();
  const [input, ...others] = assembly.inputs;
  if (input === undefined || others.length > 0) {
    throw new TidemarkError('TM_TOPOLOGY', `a topology has exactly one input, this one has ${assembly.inputs.length}`, {
      where: `topology ${topology.name}`,
    });
  }
  return { input, outputs: assembly.outputs };
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

interface OpenedTask {
  readonly task: Task;
  readonly outbox: Outbox;
}

/** Runs tasks of one generation of a topology in this process: one for each partition of its input that it is given. */
export class TopologyRunner {
  readonly #options: TopologyRunnerOptions;
  readonly #input: AssembledInput;
  /** How many partitions the input has. */
  readonly inputPartitions: number;
  readonly #readBounds: ReadBounds;
  readonly #opened = new Map<number, OpenedTask>();
  /** Reads the partitions of all tasks; those of tasks that are gone are paused. Null before the first task. */
  #reader: LogReader | null = null;
  /** Leads the tasks behind their base; null for tasks that have none, or have all taken over from it. */
  #follower: BaseFollower | null = null;
  /** Partitions whose tasks have flushed at their ends. */
  readonly #flushed = new Set<number>();
  /** Of tasks that are gone. */
  #totalsBefore = NOTHING;

  private constructor(options: TopologyRunnerOptions, input: AssembledInput, inputPartitions: number) {
    const { readBounds, commitBounds } = options;
    this.inputPartitions = inputPartitions;
    this.#options = options;
    this.#input = input;
    this.#readBounds = { ...readBounds, maxRecords: Math.min(readBounds.maxRecords, commitBounds.maxRecords) };
  }

  /** Without tasks: they come with `add`. @throws what `planTopology` throws */
  static async open(options: TopologyRunnerOptions): Promise<TopologyRunner> {
    const { input } = planTopology(options.topology, options.params, options.generation);
    return new TopologyRunner(options, input, (await options.log.ranges(input.topic)).length);
  }

  /** Opens the tasks of more partitions, each at its committed position. @throws what `recoverTask` throws */
  async add(partitions: readonly number[]): Promise<void> {
    const { log } = this.#options;
    const inputRanges = await log.ranges(this.#input.topic);
    for (const partition of partitions) {
      const range = inputRanges[partition];
      if (range === undefined) throw new RangeError(`${this.#input.topic} has no partition ${partition}`);
      this.#opened.set(partition, await this.#openTask(range, inputRanges));
    }
    await this.#closeReaders();
    await this.#openReaders();
  }

  async #openReaders(): Promise<void> {
    const { log, replay } = this.#options;
    const tasks = this.#tasks;
    const places = tasks.map((task) => ({ ...task.input, offset: task.position }));
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
      this.#reader?.pause(opened.task.input);
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
    const chunk = (await reader?.read(this.#readBounds, waitMs)) ?? null;
    if (chunk !== null) {
      const opened = this.#opened.get(chunk.partition);
      if (opened === undefined) throw new RangeError(`no task has partition ${chunk.partition}`);
      await opened.task.take(chunk);
    } else if (reader !== null) {
      for (const task of this.#tasks) await task.skipTo(reader.position(task.input));
    }
    await this.#lead();
    for (const task of this.#tasks) {
      if (ends !== null) await this.#flushAt(ends, task);
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
    return this.#tasks.every((task) => hasTakenOver(task, handOvers[task.input.partition]));
  }

  async close(): Promise<void> {
    // Together: while a broker is away, each takes its time.
    await Promise.all([this.#closeReaders(), ...this.#tasks.map((task) => task.close())]);
  }

  get #tasks(): readonly Task[] {
    return Array.from(this.#opened.values(), ({ task }) => task);
  }

  async #lead(): Promise<void> {
    for (const task of this.#tasks) await this.#follower?.lead(task);
  }

  async #flushAt(ends: readonly PartitionRange[], task: Task): Promise<void> {
    const { partition } = task.input;
    if (this.#flushed.has(partition) || task.position < (ends[partition]?.end ?? 0)) return;
    this.#flushed.add(partition);
    if (this.#options.shadow === undefined) await task.flush();
  }

  async #openTask(range: PartitionRange, inputRanges: readonly PartitionRange[]): Promise<OpenedTask> {
    const { log, registry, topology, params, generation, replay, topics } = this.#options;
    const {
      maxAheadMs,
      commitBounds,
      maxRereadRecords,
      now,
      onCommit = () => {},
      onWarning = () => {},
    } = this.#options;
    const run = generationTopic(topology.name, generation);
    const input = this.#input;
    const place = { topic: range.topic, partition: range.partition };
    const outbox = new Outbox(place, topics);
    outbox.range = replay?.range ?? null;
    const assembly = assemble({
      topology,
      params,
      generation,
      onElement: (output, element) => {
        if (element.kind === 'chunk') outbox.addResults(output, element);
        else if (element.kind === 'late') outbox.addLate(element);
      },
    });
    const fingerprint = fingerprintOf(topology, params, assembly);
    // The writer first: it fences an earlier owner, so that the position read after it is the last one.
    const writer = await log.openWriter(writerId(run, range.partition));
    const starts = replay?.base.starts ?? null;
    const recovery = { log, registry, group: run, topics, fingerprint, inputRanges, starts, onWarning };
    const start = await recoverTask(recovery, range).catch(async (error: unknown) => {
      await writer.close();
      throw error;
    });
    const snapshotPlace = { topic: topics.snapshots, partition: range.partition };
    const schemaId = topics.schemaId(topics.snapshots);
    const task = await Task.open({
      group: run,
      input: place,
      inputName: input.name,
      partitions: inputRanges.length,
      fingerprint,
      controlTopic: topics.control,
      start,
      writer,
      stage: new InputStage({ input, registry, maxAheadMs }),
      assembly,
      outbox,
      snapshots: new Snapshots({ log, writer, place: snapshotPlace, schemaId }, start.snapshots),
      schedule: new SnapshotSchedule(maxRereadRecords, commitBounds.maxRecords),
      bounds: commitBounds,
      now,
      onCommit,
    });
    return { task, outbox };
  }
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

/** The id of a task's writer: whoever opens it fences the task. */
export function writerId(run: string, partition: number): string {
  return `${run}-0-${partition}`;
}
