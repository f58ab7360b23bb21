import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type Control, controlSchema } from '../schemas.generated.ts';
import { TopicRows } from './topicRows.ts';

const CONTROL = parseRecordSchema(controlSchema);

/** A flush that was recorded: its number, and the input position at which it applied. */
export interface RecordedFlush {
  readonly controlSequence: number;
  readonly position: number;
}

/** The flushes that a control partition holds from an offset on, those up to a sequence left out. */
export async function recordedFlushes(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  control: PartitionRange,
  from: { readonly controlOffset: number; readonly controlSequence: number },
): Promise<RecordedFlush[]> {
  const flushes: RecordedFlush[] = [];
  const start = { ...control, offset: Math.max(from.controlOffset, control.begin) };
  const rows = await TopicRows.open<Control>(parts, CONTROL, [start]);
  try {
    while (rows.position(control) < control.end) {
      const read = await rows.read(0);
      if (read.length === 0) break;
      for (const { row } of read) {
        if (row.kind === 'flush' && row.controlSequence > from.controlSequence) flushes.push(row);
      }
    }
  } finally {
    await rows.close();
  }
  return flushes;
}
