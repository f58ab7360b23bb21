import { createHash } from 'node:crypto';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange, Position } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { Assembly } from '../topology/assemble.ts';
import { NO_WATERMARK } from '../topology/elements.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import type { GenerationStart } from './generations.ts';
import { recordedFlushes } from './recordedControls.ts';
import { readSnapshot } from './snapshots.ts';
import type { ReadFrom, TaskStart } from './task.ts';
import { parseMark, type TaskMark } from './taskPosition.ts';
import type { TopologyTopics } from './topologyTopics.ts';

/** A digest of everything that a task's stored state depends on, as far as it can be described. */
export function fingerprintOf(
  topology: Topology,
  params: Readonly<Record<string, ParamValue>>,
  { inputs, outputs, steps }: Assembly,
): string {
  const described = {
    version: topology.version,
    inputs: inputs.map(({ topic, timeField, sequenceField }) => [topic, timeField, sequenceField]),
    params: Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)),
    outputs: outputs.map(({ name, topic, schema }) => [name, topic, schema.text]),
    steps,
  };
  return createHash('sha256').update(JSON.stringify(described)).digest('hex').slice(0, 32);
}

export interface RecoveryParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Under which the task commits its position. */
  readonly group: string;
  readonly topics: TopologyTopics;
  readonly fingerprint: string;
  /** All partitions of the input topic. */
  readonly inputRanges: readonly PartitionRange[];
  /** Where tasks begin that have committed nothing, by partition; null for the beginning of the input. */
  readonly starts: readonly GenerationStart[] | null;
  /** Told of snapshots that are passed over. */
  readonly onWarning: (warning: TidemarkError) => void;
}

/**
 * Where the task of one input partition starts: at its committed position, with the records to be read again for the state
 * there, or where it begins.
 *
 * @throws TM_POSITION_LOST when a position is missing that was once committed, or input that is still needed is gone
 * @throws TM_TOPOLOGY_CHANGED, TM_PARTITIONS_CHANGED when the state is of another definition or partition count
 */
export async function recoverTask(parts: RecoveryParts, input: PartitionRange): Promise<TaskStart> {
  const { log, group, topics } = parts;
  const where = `topology ${group}, partition ${input.partition}`;
  // Of this partition alone: a broker keeps the others' positions back while their killed owners' transactions are open.
  const [committed] = await log.committed(group, [{ topic: input.topic, partition: input.partition }]);
  const control = (await log.ranges(topics.control))[input.partition];
  if (control === undefined) throw new RangeError(`${topics.control} has no partition ${input.partition}`);
  const fresh = freshStart(parts, input, control);
  if (committed === undefined) {
    if (control.end > control.begin)
      throw positionLost('the control topic has commits, but the position is gone', where);
    return fresh;
  }
  const mark = checkedMark(parts, committed, where);
  const place = { topic: topics.snapshots, partition: input.partition };
  const snapshot = await readSnapshot(parts, place, mark.snapshots, parts.onWarning);
  const from: ReadFrom =
    snapshot === null
      ? { ...fresh.from, offset: mark.began }
      : { ...snapshot.pointer, offset: snapshot.pointer.position, watermark: NO_WATERMARK, state: snapshot.state };
  if (from.offset < input.begin) {
    throw positionLost(`input from offset ${from.offset} on is needed, but begins at ${input.begin}`, where);
  }
  const hasControls = mark.controlSequence > from.controlSequence;
  return {
    ...mark,
    position: committed.offset,
    from,
    flushes: hasControls ? await recordedFlushes(parts, control, from) : [],
    controlEnd: control.end,
  };
}

function freshStart({ starts }: RecoveryParts, input: PartitionRange, control: PartitionRange): TaskStart {
  const start = starts?.[input.partition];
  const offset = start?.position ?? input.begin;
  const controlSequence = start?.controlSequence ?? 0;
  return {
    position: offset,
    controlSequence,
    maxEventTime: start?.maxEventTime ?? NO_WATERMARK,
    began: offset,
    from: {
      offset,
      watermark: start?.watermark ?? NO_WATERMARK,
      controlSequence,
      controlOffset: control.begin,
      state: null,
    },
    flushes: [],
    snapshots: [],
    controlEnd: control.end,
  };
}

function checkedMark(parts: RecoveryParts, committed: Position, where: string): TaskMark {
  const mark = parseMark(committed.metadata, where);
  if (mark.partitions !== parts.inputRanges.length) {
    const message = `topic ${committed.topic} has ${parts.inputRanges.length} partitions, the state is of ${mark.partitions}`;
    throw new TidemarkError('TM_PARTITIONS_CHANGED', message, {
      where,
      hint: 'A partition count is fixed. Produce into a new topic and run the topology under another name.',
    });
  }
  if (mark.fingerprint !== parts.fingerprint) {
    throw new TidemarkError('TM_TOPOLOGY_CHANGED', 'its definition is not the one that its stored state was made by', {
      where,
      hint: 'Compute its history anew with `tidemark replay start` and `tidemark replay swap`, or undo the change.',
    });
  }
  return mark;
}

function positionLost(message: string, where: string): TidemarkError {
  return new TidemarkError('TM_POSITION_LOST', message, {
    where,
    hint: 'Going on would lose or double records. Restore the store, or rebuild under another topology name.',
  });
}
