import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type Control, controlSchema } from '../schemas.generated.ts';
import { TopicRows } from './topicRows.ts';

const CONTROL = parseRecordSchema(controlSchema);

/** A decision that was recorded: its number, and the position at which it applied. */
export interface RecordedControl {
  readonly kind: Control['kind'];
  /** Of idle and active: the input that it is about. */
  readonly topic: string;
  /** Of these in a repartition topic: the upstream partition. */
  readonly upstream: number | null;
  readonly controlSequence: number;
  readonly position: number;
  /** Of `wallClock`: for how long no record had come, microseconds. */
  readonly quiet: number | null;
}

/** The decisions that a control partition holds from an offset on, those up to a sequence left out. */
export async function recordedControls(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  control: PartitionRange,
  from: { readonly controlOffset: number; readonly controlSequence: number },
): Promise<RecordedControl[]> {
  const controls: RecordedControl[] = [];
  const start = { ...control, offset: Math.max(from.controlOffset, control.begin) };
  const rows = await TopicRows.open<Control>(parts, CONTROL, [start]);
  try {
    while (rows.position(control) < control.end) {
      const read = await rows.read(0);
      if (read.length === 0) break;
      for (const { row } of read) {
        if (row.kind !== 'commit' && row.controlSequence > from.controlSequence) controls.push(row);
      }
    }
  } finally {
    await rows.close();
  }
  return controls;
}

/** Whether a control partition holds any record: offsets alone may be those of transactions that never came to be. */
export async function hasRecords(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  control: PartitionRange,
): Promise<boolean> {
  if (control.begin === control.end) return false;
  const rows = await TopicRows.open<Control>(parts, CONTROL, [{ ...control, offset: control.begin }]);
  try {
    return (await rows.read(0, 1)).length > 0;
  } finally {
    await rows.close();
  }
}
