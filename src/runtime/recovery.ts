import { createHash } from 'node:crypto';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange, Position } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { Assembly } from '../topology/assemble.ts';
import { NO_WATERMARK } from '../topology/elements.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import type { GenerationStart } from './generations.ts';
import { hasRecords, recordedControls } from './recordedControls.ts';
import { readSnapshot } from './snapshots.ts';
import type { ReadFrom, TaskStart } from './taskParts.ts';
import { parseMark, placeIn, type TaskMark } from './taskPosition.ts';
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
  /** How many partitions each input has. */
  readonly partitions: number;
  /** Where tasks begin that have committed nothing, by partition; null for the beginning of the input. */
  readonly starts: readonly GenerationStart[] | null;
  /** Told of snapshots that are passed over. */
  readonly onWarning: (warning: TidemarkError) => void;
}

/**
 * Where the task of one partition of the inputs starts: at its committed position, with the records to be read again for the
 * state there, or where it begins.
 *
 * @param inputs with the history before them, where there is one
 * @throws TM_POSITION_LOST when a position is missing that was once committed, or input that is still needed is gone
 * @throws TM_TOPOLOGY_CHANGED, TM_PARTITIONS_CHANGED when the state is of another definition or partition count
 */
export async function recoverTask(parts: RecoveryParts, inputs: readonly PartitionRange[]): Promise<TaskStart> {
  const { log, group, topics } = parts;
  const partition = inputs[0]?.partition ?? 0;
  const where = `topology ${group}, partition ${partition}`;
  // Of this partition alone: a broker keeps the others' positions back while their killed owners' transactions are open.
  const positions = await log.committed(group, inputs);
  const control = (await log.ranges(topics.control))[partition];
  if (control === undefined) throw new RangeError(`${topics.control} has no partition ${partition}`);
  const fresh = freshStart(parts, inputs, control);
  const committed = inputs.flatMap(({ topic }) => positions.filter((position) => position.topic === topic));
  const [first] = committed;
  if (first === undefined || committed.length < inputs.length) {
    if (await hasRecords(parts, control))
      throw positionLost('the control topic has commits, but the position is gone', where);
    return fresh;
  }
  const mark = checkedMark(parts, first, where);
  const from = await readFrom(parts, partition, mark, fresh.from);
  for (const [i, { topic, begin }] of inputs.entries()) {
    const needed = from.offsets[i] as number;
    if (needed < 0 && needed < begin) {
      throw positionLost(`${-needed} records of the history before ${topic} are needed, but are not all there`, where);
    }
    if (needed < begin)
      throw positionLost(`${topic} from offset ${needed} on is needed, but begins at ${begin}`, where);
  }
  const hasControls = mark.controlSequence > from.controlSequence;
  return {
    ...mark,
    offsets: committed.map((position) => placeIn(position, mark)),
    from,
    controls: hasControls ? await recordedControls(parts, control, from) : [],
    controlEnd: control.end,
  };
}

/** The newest snapshot, or where the task began. */
async function readFrom(
  parts: RecoveryParts,
  partition: number,
  { snapshots, began }: TaskMark,
  fresh: ReadFrom,
): Promise<ReadFrom> {
  const place = { topic: parts.topics.snapshots, partition };
  const snapshot = await readSnapshot(parts, place, snapshots, parts.onWarning);
  if (snapshot !== null) return { ...snapshot.pointer, watermark: NO_WATERMARK, state: snapshot.state };
  return { ...fresh, position: placeOf(began), offsets: began };
}

/** Before anything was taken in: the offset where there is one input, and a count where there are several. */
function placeOf(began: readonly number[]): number {
  const [only = 0, ...others] = began;
  return others.length === 0 ? only : 0;
}

function freshStart({ starts }: RecoveryParts, inputs: readonly PartitionRange[], control: PartitionRange): TaskStart {
  const start = starts?.[control.partition];
  const offsets = start === undefined ? inputs.map(({ begin }) => begin) : [start.position];
  const controlSequence = start?.controlSequence ?? 0;
  const position = placeOf(offsets);
  const watermark = start?.watermark ?? NO_WATERMARK;
  return {
    position,
    offsets,
    controlSequence,
    maxEventTime: start?.maxEventTime ?? NO_WATERMARK,
    began: offsets,
    from: { position, offsets, watermark, controlSequence, controlOffset: control.begin, state: null },
    controls: [],
    snapshots: [],
    controlEnd: control.end,
  };
}

function checkedMark(parts: RecoveryParts, committed: Position, where: string): TaskMark {
  const mark = parseMark(committed.metadata, where);
  if (mark.partitions !== parts.partitions) {
    const message = `topic ${committed.topic} has ${parts.partitions} partitions, the state is of ${mark.partitions}`;
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
