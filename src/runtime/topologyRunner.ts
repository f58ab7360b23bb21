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
import { type CommitBounds, Task } from './task.ts';
import { TopologyTopics } from './topologyTopics.ts';

export interface TopologyRunnerOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly topology: Topology;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly generation: number;
  /** For a generation that is not the first: what it replays, and behind which other. */
  readonly replay?: { readonly range: TimeRange; readonly base: Base };
  readonly topicSettings: { readonly partitions: number; readonly retentionMs: number };
  readonly readBounds: ReadBounds;
  readonly commitBounds: CommitBounds;
  readonly maxAheadMs: number;
  readonly now: () => number;
  /** Told how long each commit of a task took. */
  readonly onCommit?: (durationMs: number) => void;
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

/** Runs the tasks of one generation of a topology, one for each partition of its input, in this process. */
export class TopologyRunner {
  readonly #reader: LogReader;
  readonly #tasks: readonly Task[];
  readonly #outboxes: readonly Outbox[];
  readonly #follower: BaseFollower | null;
  readonly #readBounds: ReadBounds;

  private constructor(
    reader: LogReader,
    opened: readonly OpenedTask[],
    follower: BaseFollower | null,
    readBounds: ReadBounds,
  ) {
    this.#reader = reader;
    this.#tasks = opened.map(({ task }) => task);
    this.#outboxes = opened.map(({ outbox }) => outbox);
    this.#follower = follower;
    this.#readBounds = readBounds;
  }

  /** Opens every task at its committed position. @throws what `recoverTask` and `planTopology` throw */
  static async open(options: TopologyRunnerOptions): Promise<TopologyRunner> {
    const { log, registry, topology, params, generation, topicSettings, readBounds, commitBounds, replay } = options;
    const { input, outputs } = planTopology(topology, params, generation);
    const inputRanges = await log.ranges(input.topic);
    const settings = { ...topicSettings, partitions: inputRanges.length };
    const run = generationTopic(topology.name, generation);
    const topics = await TopologyTopics.create(log, registry, run, outputs, settings);
    const opened: OpenedTask[] = [];
    for (const range of inputRanges) opened.push(await openTask(options, { run, input, topics, inputRanges, range }));
    const places = opened.map(({ task }) => ({ ...task.input, offset: task.position }));
    const tasks = opened.map(({ task }) => task);
    const follower =
      replay === undefined ? null : await BaseFollower.openIfNeeded({ log, registry }, replay.base, tasks);
    const reader = await log.openReader(places);
    const bounded = follower === null ? reader : new BoundedReader(reader, places, (place) => follower.limitOf(place));
    const maxRecords = Math.min(readBounds.maxRecords, commitBounds.maxRecords);
    return new TopologyRunner(bounded, opened, follower, { ...readBounds, maxRecords });
  }

  /** Records taken in for the first time, and result rows, late and rejected records written, since the start. */
  get totals(): RunnerTotals {
    const totals = { records: 0, results: 0, late: 0, rejected: 0, unassigned: 0 };
    for (const task of this.#tasks) {
      totals.records += task.newRecords;
      totals.unassigned += task.unassigned;
    }
    for (const outbox of this.#outboxes) {
      totals.results += outbox.totals.results;
      totals.late += outbox.totals.late;
      totals.rejected += outbox.totals.rejected;
    }
    return totals;
  }

  /** Processes one chunk, and commits each task that is due. False when nothing came within `waitMs`. */
  async step(waitMs: number): Promise<boolean> {
    await this.#follower?.poll();
    this.#lead();
    const chunk = await this.#reader.read(this.#readBounds, waitMs);
    if (chunk !== null) {
      const task = this.#tasks[chunk.partition];
      if (task === undefined) throw new RangeError(`no task has partition ${chunk.partition}`);
      await task.take(chunk);
    } else {
      for (const task of this.#tasks) task.skipTo(this.#reader.position(task.input));
    }
    this.#lead();
    for (const task of this.#tasks) if (task.commitDue) await task.commit();
    return chunk !== null;
  }

  /** Whether every task has taken over from its base. */
  hasTakenOver(handOvers: readonly HandOver[]): boolean {
    return this.#tasks.every((task) => hasTakenOver(task, handOvers[task.input.partition]));
  }

  /** Whether every task has processed all that lies before these ends. */
  reached(ends: readonly PartitionRange[]): boolean {
    return ends.every(({ partition, end }) => (this.#tasks[partition]?.position ?? 0) >= end);
  }

  #lead(): void {
    for (const task of this.#tasks) this.#follower?.lead(task);
  }

  flush(): void {
    for (const task of this.#tasks) task.flush();
  }

  async commit(): Promise<void> {
    for (const task of this.#tasks) await task.commit();
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#follower?.close();
    for (const task of this.#tasks) await task.close();
  }
}

interface OpenedTask {
  readonly task: Task;
  readonly outbox: Outbox;
}

interface TaskPlace {
  /** The group that the task commits under. */
  readonly run: string;
  readonly input: AssembledInput;
  readonly topics: TopologyTopics;
  readonly inputRanges: readonly PartitionRange[];
  readonly range: PartitionRange;
}

async function openTask(
  options: TopologyRunnerOptions,
  { run, input, topics, inputRanges, range }: TaskPlace,
): Promise<OpenedTask> {
  const { log, registry, topology, params, generation, replay, now } = options;
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
  const task = new Task({
    group: run,
    input: place,
    inputName: input.name,
    partitions: inputRanges.length,
    fingerprint,
    controlTopic: topics.control,
    start: await recoverTask(
      { log, registry, group: run, controlTopic: topics.control, fingerprint, inputRanges, starts },
      range,
    ),
    writer,
    stage: new InputStage({ input, registry, maxAheadMs: options.maxAheadMs }),
    assembly,
    outbox,
    bounds: options.commitBounds,
    now,
    onCommit: options.onCommit ?? (() => {}),
  });
  return { task, outbox };
}

/** The id of a task's writer: whoever opens it fences the task. */
export function writerId(run: string, partition: number): string {
  return `${run}-0-${partition}`;
}
