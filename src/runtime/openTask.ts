import { generationTopic } from '../core/output.ts';
import type { PartitionRange } from '../log/log.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import { firstPlace } from './history.ts';
import { InputStage } from './inputStage.ts';
import { MergedInputs } from './mergedInputs.ts';
import { Outbox } from './outbox.ts';
import { fingerprintOf, recoverTask } from './recovery.ts';
import { SnapshotSchedule } from './snapshotSchedule.ts';
import { Snapshots } from './snapshots.ts';
import { SubStreams } from './subStreams.ts';
import { Task } from './task.ts';
import { OneInput, type TaskInput, type TaskInputs } from './taskInputs.ts';
import type { TopologyPlan } from './topologyPlan.ts';
import type { TopologyRunnerOptions } from './topologyRunner.ts';

export interface OpenedTask {
  readonly task: Task;
  readonly outbox: Outbox;
}

/** Which task of a topology. */
export interface TaskPlace {
  readonly stage: 0 | 1;
  readonly partition: number;
  /** Of each topic that it reads. */
  readonly partitions: number;
}

/**
 * Opens a task at its committed position.
 * @param rangesOf all partitions of a topic that the topology reads, with the history before them
 * @throws what `recoverTask` throws
 */
export async function openTask(
  options: TopologyRunnerOptions,
  plan: TopologyPlan,
  { stage, partition, partitions }: TaskPlace,
  rangesOf: (topic: string) => readonly PartitionRange[],
): Promise<OpenedTask> {
  const { log, registry, topology, params, generation, replay, commitBounds, maxRereadRecords, now } = options;
  const { onCommit = () => {}, onWarning = () => {} } = options;
  const run = generationTopic(topology.name, generation);
  const topics = options.topics.ofStage(stage);
  const sources = plan.inputs.map(({ topic }) => topic);
  const upstreamPartitions = stage === 0 ? null : partitions;
  const { range = null, history = null, isHistoryNew = false } = replay ?? {};
  const source = { topic: sources.join(','), partition, upstreamPartitions, history, isHistoryNew };
  const outbox = new Outbox(source, topics);
  outbox.range = range;
  const assembly = assemble({
    topology,
    params,
    generation,
    stage: { number: stage, partition, partitions, onCarried: (topic, carried) => outbox.addCarried(topic, carried) },
    onElement: (output, element) => {
      if (element.kind === 'chunk') outbox.addResults(output, element);
      else if (element.kind === 'late') outbox.addLate(element);
    },
  });
  const fingerprint = fingerprintOf(topology, params, assembly);
  // The writer first: it fences an earlier owner, so that the position read after it is the last one.
  const writer = await log.openWriter(writerId(run, partition, stage));
  const starts = replay?.base.starts ?? null;
  const recovery = { log, registry, group: run, topics, fingerprint, partitions, starts, onWarning };
  const ranges = placesOf(assembly.inputs).map((topic) => rangeIn(rangesOf(topic), topic, partition));
  const start = await recoverTask(recovery, ranges).catch(async (error: unknown) => {
    await writer.close();
    throw error;
  });
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
    inputs: inputsOf(options, assembly.inputs, partition, sources, start.from.offsets),
    assembly,
    feedsStage: stage === 0 && assembly.repartitions.length > 0,
    outbox,
    snapshots: new Snapshots({ log, writer, place: snapshotPlace, schemaId }, start.snapshots),
    schedule: new SnapshotSchedule(maxRereadRecords, commitBounds.maxRecords),
    bounds: commitBounds,
    now,
    onCommit,
  });
  return { task, outbox };
}

/** The topics that are read: one for each input, but once for all sub-streams of a repartition topic. */
function placesOf(inputs: readonly AssembledInput[]): readonly string[] {
  const topics = inputs.map(({ topic }) => topic);
  return inputs.some(({ upstream }) => upstream !== undefined) ? [...new Set(topics)] : topics;
}

function rangeIn(ranges: readonly PartitionRange[], topic: string, partition: number): PartitionRange {
  const range = ranges[partition];
  if (range === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
  return range;
}

function inputsOf(
  { registry, maxAheadMs, mergeBounds, replay }: TopologyRunnerOptions,
  inputs: readonly AssembledInput[],
  partition: number,
  sources: readonly string[],
  offsets: readonly number[],
): TaskInputs {
  // Sub-streams of one topic are decoded together.
  const options = { registry, maxAheadMs, firstPlace: firstPlace(replay?.history ?? null, partition) };
  const stages = new Map(inputs.map((input) => [decodedAs(input), new InputStage({ input, ...options })]));
  const all = inputs.map((input): TaskInput => {
    const { name, topic, watermark, upstream = null } = input;
    const stage = stages.get(decodedAs(input)) as InputStage;
    return { name, place: { topic, partition }, watermark, upstream, stage };
  });
  const [only, ...others] = all;
  if (only === undefined) throw new RangeError('a topology has an input');
  if (only.upstream !== null) {
    const places = placesOf(inputs).map((topic) => ({ topic, partition }));
    return new SubStreams(all, places, sources, mergeBounds, offsets);
  }
  return others.length === 0 ? new OneInput(only, offsets[0] ?? 0) : new MergedInputs(all, mergeBounds, offsets);
}

/** The id of a task's writer: whoever opens it fences the task. */
export function writerId(run: string, partition: number, stage = 0): string {
  return `${run}-${stage}-${partition}`;
}

function decodedAs({ name, topic, upstream }: AssembledInput): string {
  return upstream === undefined ? name : topic;
}
