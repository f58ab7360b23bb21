import { compileEncoder, type Encoder } from '../core/avro/encoder.ts';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { bytesAt } from '../core/columnAccess.ts';
import type { Columns } from '../core/columns.ts';
import { ColumnsBuilder } from '../core/columnsBuilder.ts';
import type { OutputSpec } from '../core/output.ts';
import { type TimeRange, timesWithin, windowsWithin } from '../core/timeRange.ts';
import type { RecordBytes, TopicPartition } from '../log/log.ts';
import { type Control, controlSchema, deadLetterSchema, lateSchema } from '../schemas.generated.ts';
import type { Chunk, Late } from '../topology/elements.ts';
import type { Carried, RepartitionTopic } from '../topology/stages/carried.ts';
import { type History, historyOffset } from './history.ts';
import { RecordBuffer } from './recordBuffer.ts';
import type { TopologyTopics } from './topologyTopics.ts';

/** A payload in a dead letter is cut at this size. */
const MAX_PAYLOAD_BYTES = 64 * 1024;

/** A record that could not be used. */
export interface RejectedRecord {
  readonly offset: number;
  readonly reason: string;
  readonly detail: string;
  readonly payload: Uint8Array;
}

export interface ControlRecord {
  readonly kind: Control['kind'];
  readonly topic: string;
  readonly upstream: number | null;
  readonly position: number;
  readonly controlSequence: number;
  readonly watermark: number | null;
  readonly maxEventTime: number | null;
  /** Of `wallClock`; null of others. */
  readonly quiet: number | null;
}

const CONTROL_CODES: Readonly<Record<ControlRecord['kind'], number>> = {
  commit: 0,
  flush: 1,
  idle: 2,
  active: 3,
  wallClock: 4,
};
const LATE = parseRecordSchema(lateSchema);
const DEAD_LETTER = parseRecordSchema(deadLetterSchema);
const CONTROL = parseRecordSchema(controlSchema);

/** What the records of a task's inputs came of. */
export interface Source {
  readonly topic: string;
  readonly partition: number;
  /** Of a task that reads what others have written: offsets hold their partition too, of so many. */
  readonly upstreamPartitions: number | null;
  /** Whose records have offsets below zero here; null for none. */
  readonly history: History | null;
  /** Whether no generation before has read it, and written dead letters of it. */
  readonly isHistoryNew: boolean;
}

/** What a task has to write in its next transaction, encoded. */
export class Outbox {
  readonly #input: Source;
  readonly #topics: TopologyTopics;
  readonly #encoders = new Map<string, Encoder>();
  readonly #buffers = new Map<string, TopicPartition & { readonly records: RecordBuffer }>();
  readonly #sourceKey: Uint8Array;
  /** While true, results and late records are dropped: the task re-reads what it committed before. */
  muted = false;
  /**
   * While set, only windows that reach into the range and late records of its times are written, and dead letters of a new
   * history alone: the rest is the base's to write, and was.
   */
  range: TimeRange | null = null;
  /** Result rows, late records and rejected records since the start. */
  readonly totals = { results: 0, late: 0, rejected: 0 };
  #carried = 0;

  constructor(input: Source, topics: TopologyTopics) {
    this.#input = input;
    this.#topics = topics;
    this.#sourceKey = new TextEncoder().encode(`${input.topic}/${input.partition}`);
  }

  /** Bytes that wait to be written. */
  get bytes(): number {
    let bytes = 0;
    for (const { records } of this.#buffers.values()) bytes += records.bytes;
    return bytes;
  }

  /** Results and records for the next stage since the start. */
  get written(): number {
    return this.totals.results + this.#carried;
  }

  addResults(output: OutputSpec, { columns, keys, keyIds }: Chunk): void {
    if (this.muted) return;
    if (keys === null || keyIds === null) throw new RangeError(`results of ${output.name} have no keys`);
    const rows = this.range === null ? null : windowsWithin(this.range, columns);
    const count = rows === null ? columns.length : rows.length;
    if (count === 0) return;
    const { values, valueOffsets } = this.#encode(output.topic, output.schema, columns, rows);
    const buffer = this.#buffer(output.topic);
    for (let i = 0; i < count; i++) {
      const key = keys.bytesOf(keyIds[rows === null ? i : (rows[i] as number)] as number);
      buffer.add(key, values, valueOffsets[i] as number, valueOffsets[i + 1] as number);
    }
    this.totals.results += count;
  }

  addCarried({ topic, schema, keyField }: RepartitionTopic, { columns, targets }: Carried): void {
    if (this.muted) return;
    const key = columns.byName.get(keyField);
    if (key?.kind !== 'string') throw new RangeError(`there is no column of texts '${keyField}'`);
    const { values, valueOffsets } = this.#encode(topic, schema, columns);
    for (let i = 0; i < columns.length; i++) {
      const buffer = this.#buffer(topic, targets[i]);
      buffer.add(bytesAt(key, i), values, valueOffsets[i] as number, valueOffsets[i + 1] as number);
    }
    this.#carried += columns.length;
  }

  addLate(late: Late): void {
    if (this.muted) return;
    const builder = new ColumnsBuilder(LATE, late.count);
    const { range } = this;
    const kept = range === null ? null : timesWithin(range, late.timesMicros, late.count);
    const count = kept === null ? late.count : kept.length;
    if (count === 0) return;
    for (let n = 0; n < count; n++) {
      const i = kept === null ? n : (kept[n] as number);
      const key = late.keys[i] as Uint8Array;
      builder.setBytes(builder.fieldIndex('key'), key, 0, key.length);
      builder.setNumber(builder.fieldIndex('eventTime'), late.timesMicros[i] as number);
      const source = this.#sourceOf(late.offsets[i] as number, late.topics?.[i]);
      builder.setText(builder.fieldIndex('topic'), source.topic);
      builder.setNumber(builder.fieldIndex('partition'), source.partition);
      builder.setNumber(builder.fieldIndex('offset'), source.offset);
      builder.setNumber(builder.fieldIndex('watermark'), late.watermarks[i] as number);
      builder.setText(builder.fieldIndex('intervals'), late.intervals[i] as string);
      builder.setBoolean(builder.fieldIndex('missedAll'), late.missedAll[i] === 1);
      builder.setText(builder.fieldIndex('reason'), late.reason ?? 'expired');
      builder.endRow();
    }
    const { values, valueOffsets } = this.#encode(this.#topics.late, LATE, builder.finish());
    const buffer = this.#buffer(this.#topics.late);
    for (let n = 0; n < count; n++) {
      const key = late.keys[kept === null ? n : (kept[n] as number)] as Uint8Array;
      buffer.add(key, values, valueOffsets[n] as number, valueOffsets[n + 1] as number);
    }
    this.totals.late += count;
  }

  addRejected(from: TopicPartition, { offset: place, reason, detail, payload }: RejectedRecord): void {
    if (this.range !== null && !(place < 0 && this.#input.isHistoryNew)) return;
    const { topic, partition, offset } = place < 0 ? this.#sourceOf(place) : { ...from, offset: place };
    const builder = new ColumnsBuilder(DEAD_LETTER, 1);
    builder.setText(builder.fieldIndex('source'), `${topic}/${partition}`);
    builder.setNumber(builder.fieldIndex('position'), offset);
    builder.setText(builder.fieldIndex('topic'), topic);
    builder.setText(builder.fieldIndex('reason'), reason);
    builder.setText(builder.fieldIndex('detail'), detail);
    builder.setBytes(builder.fieldIndex('payload'), payload, 0, Math.min(payload.length, MAX_PAYLOAD_BYTES));
    builder.endRow();
    this.#addOne(this.#topics.deadLetter, DEAD_LETTER, builder.finish());
    this.totals.rejected++;
  }

  addControl(control: ControlRecord): void {
    const builder = new ColumnsBuilder(CONTROL, 1);
    const setNullable = (field: string, value: number | null): void => {
      if (value !== null) builder.setNumber(builder.fieldIndex(field), value);
    };
    builder.setCode(builder.fieldIndex('kind'), CONTROL_CODES[control.kind]);
    builder.setText(builder.fieldIndex('topic'), control.topic);
    builder.setNumber(builder.fieldIndex('partition'), this.#input.partition);
    builder.setNumber(builder.fieldIndex('position'), control.position);
    builder.setNumber(builder.fieldIndex('controlSequence'), control.controlSequence);
    setNullable('watermark', control.watermark);
    setNullable('maxEventTime', control.maxEventTime);
    setNullable('quiet', control.quiet);
    setNullable('upstream', control.upstream);
    builder.endRow();
    this.#addOne(this.#topics.control, CONTROL, builder.finish());
  }

  /** All that was gathered, one append a topic and partition; empties the outbox. */
  take(): (TopicPartition & { readonly records: RecordBytes })[] {
    const filled = [...this.#buffers.values()].filter(({ records }) => records.count > 0);
    return filled.map(({ topic, partition, records }) => ({ topic, partition, records: records.take() }));
  }

  /** Where a record came of, by its offset. */
  #sourceOf(offset: number, topic = this.#input.topic): TopicPartition & { readonly offset: number } {
    const { partition, upstreamPartitions, history } = this.#input;
    if (history !== null && offset < 0) {
      return { topic: history.topic, partition, offset: historyOffset(history, partition, offset) };
    }
    if (upstreamPartitions === null) return { topic, partition, offset };
    return { topic, partition: offset % upstreamPartitions, offset: Math.floor(offset / upstreamPartitions) };
  }

  #addOne(topic: string, schema: OutputSpec['schema'], columns: Columns): void {
    const { values, valueOffsets } = this.#encode(topic, schema, columns);
    this.#buffer(topic).add(this.#sourceKey, values, valueOffsets[0] as number, valueOffsets[1] as number);
  }

  #encode(
    topic: string,
    schema: OutputSpec['schema'],
    columns: Columns,
    rows: Int32Array | null = null,
  ): ReturnType<Encoder['encode']> {
    let encoder = this.#encoders.get(topic);
    if (encoder === undefined) {
      encoder = compileEncoder(schema);
      this.#encoders.set(topic, encoder);
    }
    return encoder.encode(columns, rows, this.#topics.schemaId(topic));
  }

  #buffer(topic: string, partition = this.#input.partition): RecordBuffer {
    const name = `${topic}/${partition}`;
    let buffer = this.#buffers.get(name);
    if (buffer === undefined) {
      buffer = { topic, partition, records: new RecordBuffer() };
      this.#buffers.set(name, buffer);
    }
    return buffer.records;
  }
}
