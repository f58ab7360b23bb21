import { generationTopic } from '../core/output.ts';
import type { PartitionRange } from '../log/log.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import { InputStage } from './inputStage.ts';
import { MergedInputs } from './mergedInputs.ts';
import { Outbox } from './outbox.ts';
import { fingerprintOf, recoverTask } from './recovery.ts';
import { SnapshotSchedule } from './snapshotSchedule.ts';
import { Snapshots } from './snapshots.ts';
import { Task } from './task.ts';
import { OneInput, type TaskInput } from './taskInputs.ts';
import type { TopologyRunnerOptions } from './topologyRunner.ts';

export interface OpenedTask {
  readonly task: Task;
  readonly outbox: Outbox;
}

/**
 * Opens the task of one partition at its committed position.
 * @param ranges of that partition, by input
 * @throws what `recoverTask` throws
 */
export async function openTask(
  options: TopologyRunnerOptions,
  inputs: readonly AssembledInput[],
  ranges: readonly PartitionRange[],
  partitions: number,
): Promise<OpenedTask> {
  const { log, registry, topology, params, generation, replay, topics } = options;
  const { maxAheadMs, mergeBounds, commitBounds, maxRereadRecords, now } = options;
  const { onCommit = () => {}, onWarning = () => {} } = options;
  const run = generationTopic(topology.name, generation);
  const partition = ranges[0]?.partition ?? 0;
  const places = ranges.map(({ topic }) => ({ topic, partition }));
  const outbox = new Outbox({ topic: places.map(({ topic }) => topic).join(','), partition }, topics);
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
  const writer = await log.openWriter(writerId(run, partition));
  const starts = replay?.base.starts ?? null;
  const recovery = { log, registry, group: run, topics, fingerprint, partitions, starts, onWarning };
  const start = await recoverTask(recovery, ranges).catch(async (error: unknown) => {
    await writer.close();
    throw error;
  });
  const all = inputs.map((input, i): TaskInput => {
    const stage = new InputStage({ input, registry, maxAheadMs });
    return {
      name: input.name,
      place: places[i] ?? { topic: input.topic, partition },
      watermark: input.watermark,
      stage,
    };
  });
  const { offsets } = start.from;
  const [only, ...others] = all;
  if (only === undefined) throw new RangeError('a topology has an input');
  const snapshotPlace = { topic: topics.snapshots, partition };
  const schemaId = topics.schemaId(topics.snapshots);
  const task = await Task.open({
    group: run,
    partition,
    partitions,
    fingerprint,
    controlTopic: topics.control,
    start,
    writer,
    inputs: others.length === 0 ? new OneInput(only, offsets[0] ?? 0) : new MergedInputs(all, mergeBounds, offsets),
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

/** The id of a task's writer: whoever opens it fences the task. */
export function writerId(run: string, partition: number): string {
  return `${run}-0-${partition}`;
}
