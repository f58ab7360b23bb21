import { RowView } from '../core/avro/rowView.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import type { RecordSchema } from '../core/schema.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange, RecordChunk } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';

/** A broker may take its time for records that are there; after so many empty reads it does not have them. */
const READ_WAIT_MS = 1_000;
const MAX_EMPTY_READS = 60;
const READ_BOUNDS = { maxRecords: 65_536, maxBytes: 16 * 1024 * 1024 };

/** What a partition holds from one offset to another: both were in it when it was asked for its range. */
export async function* chunksOf(
  log: Log,
  { topic, partition, begin, end }: PartitionRange,
): AsyncGenerator<RecordChunk> {
  const reader = await log.openReader([{ topic, partition, offset: begin }]);
  try {
    let emptyReads = 0;
    while (reader.position({ topic, partition }) < end) {
      const chunk = await reader.read(READ_BOUNDS, READ_WAIT_MS);
      if (chunk !== null) {
        emptyReads = 0;
        yield chunk;
      } else if (++emptyReads === MAX_EMPTY_READS) {
        throw new TidemarkError('TM_BROKER_FAILED', 'the records that the topic has do not come', {
          where: `${topic}/${partition}`,
          hint: 'run the command again: nothing of it was written',
        });
      }
    }
  } finally {
    await reader.close();
  }
}

/** A record as an object, and where it is. */
export interface StoredRow<Row> {
  readonly partition: number;
  readonly offset: number;
  /** When the log took it, epoch milliseconds. */
  readonly appendMs: number;
  readonly row: Row;
}

/** The records of some ranges as objects, one range after another; what cannot be decoded is left out. */
export async function* storedRows<Row extends object>(
  { log, registry }: { readonly log: Log; readonly registry: SchemaRegistry },
  schema: RecordSchema,
  ranges: readonly PartitionRange[],
): AsyncGenerator<StoredRow<Row>> {
  const decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
  const view = new RowView<Row>(schema);
  for (const range of ranges) {
    if (range.begin === range.end) continue;
    for await (const chunk of chunksOf(log, range)) {
      const offsets = chunk.offsets.slice(0, chunk.count);
      const appendMs = chunk.appendMs.slice(0, chunk.count);
      const { columns, rows } = await decoder.decode(chunk);
      view.bind(columns);
      for (let i = 0; i < columns.length; i++) {
        const at = rows === null ? i : (rows[i] as number);
        const offset = offsets[at] as number;
        // More may have come since the range was asked for.
        if (offset >= range.end) break;
        const { partition } = range;
        yield { partition, offset, appendMs: appendMs[at] as number, row: { ...view.at(i) } };
      }
    }
  }
}
