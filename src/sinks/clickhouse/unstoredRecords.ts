import type { RefusedRecord } from '../../core/aheadOfAppend.ts';
import { compileEncoder } from '../../core/avro/encoder.ts';
import { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { RecordSchema } from '../../core/schema.ts';
import type { RecordBytes, RecordChunk, Transaction } from '../../log/log.ts';

/** A dead letter keeps at most this much of the value. */
const MAX_PAYLOAD_BYTES = 65_536;

export interface DeadLetterTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly schema: RecordSchema;
  readonly schemaId: number;
}

/** Records that cannot be stored, as dead letters for the transaction that moves past them. */
export class UnstoredRecords {
  readonly #topic: DeadLetterTopic;
  readonly #builders = new Map<number, ColumnsBuilder>();
  readonly #encode: ReturnType<typeof compileEncoder>['encode'];

  constructor(topic: DeadLetterTopic) {
    this.#topic = topic;
    this.#encode = compileEncoder(topic.schema).encode;
  }

  add(chunk: RecordChunk, refused: readonly RefusedRecord[]): void {
    if (refused.length === 0) return;
    const partition = chunk.partition % this.#topic.partitions;
    const builder = this.#builders.get(partition) ?? new ColumnsBuilder(this.#topic.schema);
    this.#builders.set(partition, builder);
    const field = (name: string) => builder.fieldIndex(name);
    for (const { index, reason, detail } of refused) {
      const start = Math.max(0, chunk.valueStarts[index] ?? 0);
      const end = Math.max(start, Math.min(chunk.valueEnds[index] ?? 0, start + MAX_PAYLOAD_BYTES));
      builder.setText(field('source'), `${chunk.topic}/${chunk.partition}`);
      builder.setNumber(field('position'), chunk.offsets[index] ?? 0);
      builder.setText(field('topic'), chunk.topic);
      builder.setText(field('reason'), reason);
      builder.setText(field('detail'), detail);
      builder.setBytes(field('payload'), chunk.data, start, end);
      builder.endRow();
    }
  }

  /** What was added since the last call. */
  take(): Transaction['appends'] {
    const appends = [...this.#builders].map(([partition, builder]) => ({
      topic: this.#topic.topic,
      partition,
      records: this.#recordsOf(builder),
    }));
    this.#builders.clear();
    return appends;
  }

  #recordsOf(builder: ColumnsBuilder): RecordBytes {
    const columns = builder.finish();
    return {
      count: columns.length,
      keys: new Uint8Array(0),
      keyOffsets: new Int32Array(columns.length + 1),
      ...this.#encode(columns, null, this.#topic.schemaId),
    };
  }
}
