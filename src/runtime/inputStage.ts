import { type Decoded, TopicDecoder } from '../core/avro/topicDecoder.ts';
import { gatherDoubles, gatherRows } from '../core/gather.ts';
import { MICROS_PER_MS } from '../core/time.ts';
import { timesOf } from '../core/timeRange.ts';
import type { RecordChunk } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { AssembledInput } from '../topology/assemble.ts';
import { type Chunk, NO_WATERMARK } from '../topology/elements.ts';
import type { RejectedRecord } from './outbox.ts';

export interface InputStageOptions {
  readonly input: AssembledInput;
  readonly registry: SchemaRegistry;
  /** A record further ahead of its own append time is rejected before it can move the watermark. */
  readonly maxAheadMs: number;
}

/** Turns records of the log into a chunk of columns; what cannot be used is rejected with its reason. */
export class InputStage {
  readonly #decoder: TopicDecoder;
  readonly #timeField: string;
  readonly #maxAheadMicros: number;

  constructor({ input, registry, maxAheadMs }: InputStageOptions) {
    this.#decoder = new TopicDecoder(input.schema, (id) => registry.schemaById(id));
    this.#timeField = input.timeField;
    this.#maxAheadMicros = maxAheadMs * MICROS_PER_MS;
  }

  /** Nothing of the result lies in the record chunk's buffers. */
  async accept(records: RecordChunk): Promise<{ chunk: Chunk; rejected: RejectedRecord[] }> {
    const decoded = await this.#decoder.decode(records);
    const rejected = decoded.bad.map(({ index, reason, detail }) => this.#rejected(records, index, reason, detail));
    const all =
      decoded.rows === null ? records.offsets.slice(0, records.count) : gatherDoubles(records.offsets, decoded.rows);
    const times = timesOf(decoded.columns, this.#timeField);
    const kept = this.#notAhead(records, decoded, times, rejected);
    const columns = kept === null ? decoded.columns : gatherRows(decoded.columns, kept);
    const offsets = kept === null ? all : gatherDoubles(all, kept);
    const chunk: Chunk = {
      kind: 'chunk',
      columns,
      offsets,
      arrivals: offsets,
      timesMicros: kept === null ? times : gatherDoubles(times, kept),
      watermarks: null,
      watermarkAfter: NO_WATERMARK,
      keys: null,
      keyIds: null,
    };
    rejected.sort((a, b) => a.offset - b.offset);
    return { chunk, rejected };
  }

  /** The rows whose event time is believable; null when all are. */
  #notAhead(
    records: RecordChunk,
    { rows }: Decoded,
    times: Float64Array,
    rejected: RejectedRecord[],
  ): Int32Array | null {
    let kept: number[] | null = null;
    for (let row = 0; row < times.length; row++) {
      const index = rows === null ? row : (rows[row] as number);
      const limit = (records.appendMs[index] as number) * MICROS_PER_MS + this.#maxAheadMicros;
      if ((times[row] as number) <= limit) {
        kept?.push(row);
        continue;
      }
      kept ??= Array.from({ length: row }, (_, before) => before);
      const detail = `${this.#timeField} ${times[row]} is beyond append time plus ${this.#maxAheadMicros / MICROS_PER_MS} ms`;
      rejected.push(this.#rejected(records, index, 'ahead', detail));
    }
    return kept === null ? null : Int32Array.from(kept);
  }

  #rejected(records: RecordChunk, index: number, reason: string, detail: string): RejectedRecord {
    const start = Math.max(0, records.valueStarts[index] as number);
    const end = Math.max(0, records.valueEnds[index] as number);
    return { offset: records.offsets[index] as number, reason, detail, payload: records.data.slice(start, end) };
  }
}
