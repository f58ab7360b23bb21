import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { GenerationStart } from '../runtime/generations.ts';
import { type PlacedRow, TopicRows } from '../runtime/topicRows.ts';
import { type Control, controlSchema } from '../schemas.generated.ts';

const CONTROL = parseRecordSchema(controlSchema);

export interface WarmUpParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Control records of the generation that is replayed: the index from event time to offsets. */
  readonly controlTopic: string;
  readonly input: string;
}

/**
 * Where a replay starts in each partition, so that it meets every record from an event time on. Each is a restart point of
 * the base: the windows that were open there are whole too.
 *
 * @param fromMicros lowest event time that is needed; minus infinity for all
 * @throws TM_REPLAY_RANGE when the input there is gone
 */
export async function warmUpStarts(parts: WarmUpParts, fromMicros: number): Promise<readonly GenerationStart[]> {
  const [inputs, controls] = [await parts.log.ranges(parts.input), await parts.log.ranges(parts.controlTopic)];
  const starts: GenerationStart[] = [];
  for (const input of inputs) {
    const control = controls[input.partition];
    if (control === undefined) throw new RangeError(`${parts.controlTopic} has no partition ${input.partition}`);
    starts.push(await startOf(parts, input, control, fromMicros));
  }
  return starts;
}

async function startOf(
  parts: WarmUpParts,
  input: PartitionRange,
  control: PartitionRange,
  fromMicros: number,
): Promise<GenerationStart> {
  const rows = await TopicRows.open<Control>(parts, CONTROL, [{ ...control, offset: control.begin }]);
  try {
    const before = await lastWhere(
      rows,
      control,
      ({ maxEventTime }) => maxEventTime === null || maxEventTime < fromMicros,
    );
    const position = before?.row.restartOffset ?? 0;
    if (position < input.begin) throw inputGone(input, position);
    // Flushes at the restart point itself had applied there.
    const applied = await lastWhere(rows, control, (row) => row.position <= position);
    return {
      position,
      watermark: before?.row.restartWatermark ?? null,
      maxEventTime: before?.row.maxEventTime ?? null,
      controlSequence: before?.row.restartControlSequence ?? 0,
      controlOffset: applied === null ? control.begin : applied.offset + 1,
    };
  } finally {
    await rows.close();
  }
}

/** The last record of a partition for which something holds that, once it no longer holds, never does again. */
async function lastWhere(
  rows: TopicRows<Control>,
  range: PartitionRange,
  holds: (row: Control) => boolean,
): Promise<PlacedRow<Control> | null> {
  let last: PlacedRow<Control> | null = null;
  let low = range.begin;
  let high = range.end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    rows.seek(range, middle);
    const [found] = await rows.read(0, 1);
    if (found !== undefined && found.offset < high && holds(found.row)) {
      last = found;
      low = found.offset + 1;
    } else {
      high = middle;
    }
  }
  return last;
}

function inputGone({ topic, partition, begin }: PartitionRange, position: number): TidemarkError {
  return new TidemarkError(
    'TM_REPLAY_RANGE',
    `records from offset ${position} on are needed, the topic begins at ${begin}`,
    {
      where: `${topic}, partition ${partition}`,
      hint: 'Its retention has deleted them. Give a later --from: windows before it are taken over as they are.',
    },
  );
}
