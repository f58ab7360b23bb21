import { type RefusedRecord, splitAhead } from '../core/aheadOfAppend.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import { gatherDoubles, gatherRows } from '../core/gather.ts';
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
  /** The place that arrivals are counted from: below zero where a history is read first. */
  readonly firstPlace: number;
}

/** Turns records of the log into a chunk of columns; what cannot be used is rejected with its reason. */
export class InputStage {
  readonly #decoder: TopicDecoder;
  readonly #timeField: string;
  readonly #maxAheadMs: number;
  readonly #firstPlace: number;

  constructor({ input, registry, maxAheadMs, firstPlace }: InputStageOptions) {
    this.#decoder = new TopicDecoder(input.schema, (id) => registry.schemaById(id));
    this.#timeField = input.timeField;
    this.#maxAheadMs = maxAheadMs;
    this.#firstPlace = firstPlace;
  }

  /** Nothing of the result lies in the record chunk's buffers. */
  async accept(records: RecordChunk): Promise<{ chunk: Chunk; rejected: RejectedRecord[] }> {
    const decoded = await this.#decoder.decode(records);
    const rejected = decoded.bad.map((bad) => this.#rejected(records, bad));
    const all =
      decoded.rows === null ? records.offsets.slice(0, records.count) : gatherDoubles(records.offsets, decoded.rows);
    const times = timesOf(decoded.columns, this.#timeField);
    const bound = { timeField: this.#timeField, maxAheadMs: this.#maxAheadMs };
    const split = splitAhead(times, { appendMs: records.appendMs, rows: decoded.rows }, bound);
    for (const refused of split?.refused ?? []) rejected.push(this.#rejected(records, refused));
    const kept = split?.kept ?? null;
    const columns = kept === null ? decoded.columns : gatherRows(decoded.columns, kept);
    const offsets = kept === null ? all : gatherDoubles(all, kept);
    const chunk: Chunk = {
      kind: 'chunk',
      columns,
      offsets,
      arrivals: this.#firstPlace === 0 ? offsets : offsets.map((offset) => offset - this.#firstPlace),
      timesMicros: kept === null ? times : gatherDoubles(times, kept),
      watermarks: null,
      watermarkAfter: NO_WATERMARK,
      keys: null,
      keyIds: null,
    };
    rejected.sort((a, b) => a.offset - b.offset);
    return { chunk, rejected };
  }

  #rejected(records: RecordChunk, { index, reason, detail }: RefusedRecord): RejectedRecord {
    const start = Math.max(0, records.valueStarts[index] as number);
    const end = Math.max(0, records.valueEnds[index] as number);
    return { offset: records.offsets[index] as number, reason, detail, payload: records.data.slice(start, end) };
  }
}
