import type { OutputSpec } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, LogReader, PartitionRange, ReadBounds, TransactionalWriter } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
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

/** Runs the tasks of one topology, one for each partition of its input, in this process. */
export class TopologyRunner {
  readonly #reader: LogReader;
  readonly #tasks: readonly Task[];
  readonly #outboxes: readonly Outbox[];
  readonly #readBounds: ReadBounds;

  private constructor(reader: LogReader, tasks: readonly Task[], outboxes: readonly Outbox[], readBounds: ReadBounds) {
    this.#reader = reader;
    this.#tasks = tasks;
    this.#outboxes = outboxes;
    this.#readBounds = readBounds;
  }

  /** Opens every task at its committed position. @throws what `recoverTask` and `planTopology` throw */
  static async open(options: TopologyRunnerOptions): Promise<TopologyRunner> {
    const writers: TransactionalWriter[] = [];
    try {
      return await TopologyRunner.#open(options, writers);
    } catch (error) {
      await Promise.all(writers.map((writer) => writer.close()));
      throw error;
    }
  }

  /** Adds each writer that it opens to `writers`. */
  static async #open(options: TopologyRunnerOptions, writers: TransactionalWriter[]): Promise<TopologyRunner> {
    const { log, registry, topology, params, generation, topicSettings, now } = options;
    const { input, outputs } = planTopology(topology, params, generation);
    const inputRanges = await log.ranges(input.topic);
    const settings = { ...topicSettings, partitions: inputRanges.length };
    const topics = await TopologyTopics.create(log, registry, topology.name, outputs, settings);
    const tasks: Task[] = [];
    const outboxes: Outbox[] = [];
    for (const range of inputRanges) {
      const place = { topic: range.topic, partition: range.partition };
      const outbox = new Outbox(place, topics);
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
      const writer = await log.openWriter(`${topology.name}-0-${range.partition}`);
      writers.push(writer);
      const recovery = {
        log,
        registry,
        topology: topology.name,
        controlTopic: topics.control,
        fingerprint,
        inputRanges,
      };
      tasks.push(
        new Task({
          group: topology.name,
          input: place,
          inputName: input.name,
          partitions: inputRanges.length,
          fingerprint,
          controlTopic: topics.control,
          start: await recoverTask(recovery, range),
          writer,
          stage: new InputStage({ input, registry, maxAheadMs: options.maxAheadMs }),
          assembly,
          outbox,
          bounds: options.commitBounds,
          now,
          onCommit: options.onCommit ?? (() => {}),
        }),
      );
      outboxes.push(outbox);
    }
    const reader = await log.openReader(tasks.map(({ input: place, position }) => ({ ...place, offset: position })));
    const maxRecords = Math.min(options.readBounds.maxRecords, options.commitBounds.maxRecords);
    return new TopologyRunner(reader, tasks, outboxes, { ...options.readBounds, maxRecords });
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
    const chunk = await this.#reader.read(this.#readBounds, waitMs);
    if (chunk !== null) {
      const task = this.#tasks[chunk.partition];
      if (task === undefined) throw new RangeError(`no task has partition ${chunk.partition}`);
      await task.take(chunk);
    } else {
      for (const task of this.#tasks) task.skipTo(this.#reader.position(task.input));
    }
    for (const task of this.#tasks) if (task.commitDue) await task.commit();
    return chunk !== null;
  }

  /** Whether every task has processed all that lies before these ends. */
  reached(ends: readonly PartitionRange[]): boolean {
    return ends.every(({ partition, end }) => (this.#tasks[partition]?.position ?? 0) >= end);
  }

  flush(): void {
    for (const task of this.#tasks) task.flush();
  }

  async commit(): Promise<void> {
    for (const task of this.#tasks) await task.commit();
  }

  async close(): Promise<void> {
    // Together: while a broker is away, each takes its time.
    await Promise.all([this.#reader.close(), ...this.#tasks.map((task) => task.close())]);
  }
}
