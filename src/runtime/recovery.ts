import { createHash } from 'node:crypto';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import type { Column } from '../core/columns.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange, Position } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { controlSchema } from '../schemas.generated.ts';
import type { Assembly } from '../topology/assemble.ts';
import { NO_WATERMARK } from '../topology/elements.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import type { GenerationStart } from './generations.ts';
import type { TaskStart } from './task.ts';
import { parseMark, type RecordedFlush, type TaskMark } from './taskPosition.ts';

const CONTROL = parseRecordSchema(controlSchema);
const FLUSH_CODE = 1;
const CONTROL_READ = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 };

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
  readonly controlTopic: string;
  readonly fingerprint: string;
  /** All partitions of the input topic. */
  readonly inputRanges: readonly PartitionRange[];
  /** Where tasks begin that have committed nothing, by partition; null for the beginning of the input. */
  readonly starts: readonly GenerationStart[] | null;
}

/**
 * Where the task of one input partition starts: at its committed position, its state to be rebuilt from the restart point,
 * or where it begins.
 *
 * @throws TM_POSITION_LOST when a position is missing that was once committed, or input that is still needed is gone
 * @throws TM_TOPOLOGY_CHANGED, TM_PARTITIONS_CHANGED when the state is of another definition or partition count
 */
export async function recoverTask(parts: RecoveryParts, input: PartitionRange): Promise<TaskStart> {
  const { log, group, controlTopic } = parts;
  const where = `topology ${group}, partition ${input.partition}`;
  // Of this partition alone: a broker keeps the others' positions back while their killed owners' transactions are open.
  const [committed] = await log.committed(group, [{ topic: input.topic, partition: input.partition }]);
  const control = (await log.ranges(controlTopic))[input.partition];
  if (control === undefined) throw new RangeError(`${controlTopic} has no partition ${input.partition}`);
  if (committed === undefined) {
    if (control.end > control.begin)
      throw positionLost('the control topic has commits, but the position is gone', where);
    return freshStart(parts, input, control);
  }
  const mark = checkedMark(parts, committed, where);
  if (mark.restart.offset < input.begin) {
    throw positionLost(`input from offset ${mark.restart.offset} on is needed, but begins at ${input.begin}`, where);
  }
  return {
    position: committed.offset,
    controlSequence: mark.controlSequence,
    maxEventTime: mark.maxEventTime,
    restart: mark.restart,
    flushes: await recordedFlushes(parts, control, mark),
    controlEnd: control.end,
  };
}

function freshStart({ starts }: RecoveryParts, input: PartitionRange, control: PartitionRange): TaskStart {
  const start = starts?.[input.partition];
  const offset = start?.position ?? input.begin;
  const controlSequence = start?.controlSequence ?? 0;
  const watermark = start?.watermark ?? NO_WATERMARK;
  return {
    position: offset,
    controlSequence,
    maxEventTime: start?.maxEventTime ?? NO_WATERMARK,
    restart: { offset, watermark, controlSequence, controlOffset: control.begin },
    flushes: [],
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

/** The flushes that were recorded after the restart point. */
async function recordedFlushes(
  { log, registry }: RecoveryParts,
  control: PartitionRange,
  { restart, controlSequence }: TaskMark,
): Promise<RecordedFlush[]> {
  const flushes: RecordedFlush[] = [];
  if (controlSequence === restart.controlSequence) return flushes;
  const decoder = new TopicDecoder(CONTROL, (id) => registry.schemaById(id));
  const reader = await log.openReader([{ ...control, offset: Math.max(restart.controlOffset, control.begin) }]);
  try {
    while (reader.position(control) < control.end) {
      const chunk = await reader.read(CONTROL_READ, 0);
      if (chunk === null) break;
      const offsets = chunk.offsets.slice(0, chunk.count);
      const { columns } = await decoder.decode(chunk);
      const kind = columns.byName.get('kind');
      for (let i = 0; i < columns.length; i++) {
        const sequence = longAt(columns.byName.get('controlSequence'), i);
        if (kind?.kind !== 'enum' || kind.codes[i] !== FLUSH_CODE || sequence <= restart.controlSequence) continue;
        flushes.push({
          controlSequence: sequence,
          position: longAt(columns.byName.get('position'), i),
          controlOffset: offsets[i] as number,
        });
      }
    }
  } finally {
    await reader.close();
  }
  return flushes;
}

function longAt(column: Column | undefined, index: number): number {
  if (column?.kind !== 'long') throw new RangeError('a control record lacks a long');
  return column.values[index] as number;
}

function positionLost(message: string, where: string): TidemarkError {
  return new TidemarkError('TM_POSITION_LOST', message, {
    where,
    hint: 'Going on would lose or double records. Restore the store, or rebuild under another topology name.',
  });
}
