import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { GenerationStart } from '../runtime/generations.ts';
import { firstPlace, type History, joinedRanges } from '../runtime/history.ts';
import { type PlacedRow, TopicRows } from '../runtime/topicRows.ts';
import { type Control, controlSchema } from '../schemas.generated.ts';
import { NO_WATERMARK } from '../topology/elements.ts';

const CONTROL = parseRecordSchema(controlSchema);

export interface WarmUpParts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Control records of the generation that is replayed: the index from event time to offsets. */
  readonly controlTopic: string;
  readonly input: string;
  /** What is read before it. */
  readonly history: History | null;
}

/** What a replay must meet. */
export interface Needed {
  /** Every record from this event time on; minus infinity for all. */
  readonly fromMicros: number;
  /** Once the watermark has come to it, windows that end before the range take no more records. */
  readonly expiredAtMicros: number;
  /** A window that takes records holds none further behind the watermark than this; infinite where there is no such bound. */
  readonly reachMicros: number;
}

/**
 * Where a replay starts in each partition. Windows that end before its range are not computed by it; as long as they take
 * records, though, it must hold them whole, and then it starts further back: before the first record that they may hold.
 *
 * @param needed null for all that there is, whatever the one that is replayed has read
 * @throws TM_REPLAY_RANGE when the input there is gone
 */
export async function warmUpStarts(parts: WarmUpParts, needed: Needed | null): Promise<readonly GenerationStart[]> {
  const { log, input: topic, history } = parts;
  const [inputs, controls] = [await joinedRanges(log, topic, history), await log.ranges(parts.controlTopic)];
  const starts: GenerationStart[] = [];
  for (const input of inputs) {
    const control = controls[input.partition];
    if (control === undefined) throw new RangeError(`${parts.controlTopic} has no partition ${input.partition}`);
    const start = needed === null ? beginning(parts, control) : await startOf(parts, control, needed);
    if (start.position < input.begin) throw inputGone(input, start.position);
    starts.push(start);
  }
  return starts;
}

async function startOf(
  parts: WarmUpParts,
  control: PartitionRange,
  { fromMicros, expiredAtMicros, reachMicros }: Needed,
): Promise<GenerationStart> {
  const rows = await TopicRows.open<Control>(parts, CONTROL, [{ ...control, offset: control.begin }]);
  try {
    const lastBefore = (micros: number) =>
      lastWhere(rows, control, ({ maxEventTime }) => maxEventTime === null || maxEventTime < micros);
    const before = await lastBefore(fromMicros);
    const last = await lastWhere(rows, control, () => true);
    const haveExpired = (last?.row.watermark ?? NO_WATERMARK) >= expiredAtMicros;
    const whole =
      before === null || haveExpired ? before : await lastBefore((before.row.watermark ?? NO_WATERMARK) - reachMicros);
    return whole === null ? beginning(parts, control) : await placeOf(rows, control, whole.row);
  } finally {
    await rows.close();
  }
}

function beginning({ history }: WarmUpParts, { partition, begin }: PartitionRange): GenerationStart {
  const position = firstPlace(history, partition);
  return { position, watermark: null, maxEventTime: null, controlSequence: 0, controlOffset: begin };
}

/** The position of a control record as records left it: what else was decided there is repeated. */
async function placeOf(rows: TopicRows<Control>, control: PartitionRange, found: Control): Promise<GenerationStart> {
  const before = await lastWhere(rows, control, ({ position }) => position < found.position);
  rows.seek(control, before === null ? control.begin : before.offset + 1);
  const [first] = await rows.read(0, 1);
  if (first === undefined) throw new RangeError(`no control record is of position ${found.position}`);
  const { position, watermark, maxEventTime, controlSequence } = first.row;
  return { position, watermark, maxEventTime, controlSequence, controlOffset: first.offset + 1 };
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
  const isBefore = position < 0 && begin <= 0;
  return new TidemarkError(
    'TM_REPLAY_RANGE',
    isBefore
      ? `${-position} records of the history before it are needed, ${-begin} are there`
      : `records from offset ${Math.max(0, position)} on are needed, the topic begins at ${begin}`,
    {
      where: `${topic}, partition ${partition}`,
      hint: 'Its retention has deleted them. Give a later --from: windows before it are taken over as they are.',
    },
  );
}
