import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import type { Columns } from '../../core/columns.ts';
import { partitionOf } from '../../core/murmur2.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { type ErrorCode, TidemarkError } from '../../errors.ts';
import type { RecordBytes, Transaction } from '../../log/log.ts';
import { byPartition, textColumn } from '../byPartition.ts';
import type { Layout } from '../csv/layout.ts';
import { KEY_FIELD } from '../eventTimes.ts';
import { FieldRows } from '../fieldRows.ts';
import type { ParsedJson } from '../jsonNumbers.ts';
import { topicSchema } from '../topicSchema.ts';
import { encodeParts, openTopic, type TopicParts, type TopicWriter } from '../topicWriter.ts';
import { CsvRows } from './csvRows.ts';
import { letterId, type PlacedLetter } from './letters.ts';
import { type OriginalRecord, originalOf } from './original.ts';

const EVENT_TIME = 'eventTime';
/** Errors of a letter's topic, which make it unusable; any other error is the caller's. */
const UNWRITABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TM_SCHEMA_UNKNOWN',
  'TM_SCHEMA_UNSUPPORTED',
  'TM_TOPIC_OWN',
]);

const OBJECT = 0x7b;
const LIST = 0x5b;
const FOR_RECORDS = 'Release it with a corrected row (--value FILE), or drop it.';
const FOR_ROWS =
  'Release it with the layout by which it can be read (--layout FILE) or with a corrected row (--value FILE), or drop it.';
const FOR_MESSAGES =
  'What an API or exchange still has is asked for again by its next run. Else give the row that it should have been (--value FILE), or drop it.';

export interface ReleaseParts extends TopicParts {
  /** What the columns of CSV files mean; none to leave their rows as they are. */
  readonly layouts: readonly Layout[];
  /** A record further ahead of the clock than this would be rejected again. */
  readonly maxAheadMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

type Append = Transaction['appends'][number];

interface Target extends TopicWriter {
  readonly schema: RecordSchema;
  readonly rows: FieldRows;
  readonly decoder: TopicDecoder;
}

/** Makes records of letters: their bytes as they came, the row of a CSV file read again, or a corrected row in their place. */
export class Releases {
  readonly #parts: ReleaseParts;
  readonly #csvRows: CsvRows;
  readonly #targets = new Map<string, Target>();

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
    this.#csvRows = new CsvRows(parts.layouts);
  }

  /**
   * What is to be appended in place of a letter.
   * @param corrected the row by its fields; undefined to write what came
   * @throws TM_DEAD_LETTER_UNUSABLE
   */
  async of(letter: PlacedLetter, corrected: ParsedJson | undefined): Promise<readonly Append[]> {
    const target = await this.#target(letter);
    const original = await originalOf(this.#parts.log, letter);
    if (corrected !== undefined) return [this.#corrected(letter, target, corrected, original)];
    if (original === null) {
      throw unusable(letter, 'its row was cut at 64 KiB, and the record itself is gone from the log');
    }
    if (original.partition === null && !isFramed(original.value)) return [this.#readAgain(letter, target)];
    const columns = await this.#decoded(letter, target, original.value);
    this.#checkAhead(letter, columns);
    const key = original.key ?? keyIn(columns) ?? new Uint8Array(0);
    const partition = original.partition ?? partitionOf(key, 0, key.length, target.partitions);
    if (partition >= target.partitions) throw unusable(letter, `topic ${letter.topic} has no partition ${partition}`);
    return [{ topic: letter.topic, partition, records: oneRecord(key, original.value) }];
  }

  #readAgain(letter: PlacedLetter, target: Target): Append {
    if (isJson(letter.payload)) throw unusable(letter, 'it is a message, and no row that a layout reads', FOR_MESSAGES);
    if (this.#parts.layouts.length === 0) throw unusable(letter, 'it is a row of a file', FOR_ROWS);
    const columns = this.#columnsOf(letter, target);
    if (typeof columns === 'string')
      throw unusable(letter, `by the layout it is still no record: ${columns}`, FOR_ROWS);
    this.#checkAhead(letter, columns);
    const [append] = encodeParts(target, columns, byPartition(columns, KEY_FIELD, target.partitions));
    if (append === undefined) throw new RangeError('a row is a record');
    return append;
  }

  #columnsOf(letter: PlacedLetter, { schema }: Target): Columns | string {
    try {
      return this.#csvRows.read(letter, schema);
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'TM_LAYOUT')
        throw unusable(letter, error.message, error.hint);
      throw error;
    }
  }

  /** A corrected row goes by its own key where its schema has one, else where the bad row was. */
  #corrected(letter: PlacedLetter, target: Target, row: ParsedJson, original: OriginalRecord | null): Append {
    const fault = target.rows.add(row.value, row.texts);
    if (fault !== null) throw unusable(letter, `the corrected row is not sound: ${fault.detail}`);
    const columns = target.rows.finish();
    this.#checkAhead(letter, columns);
    if (columns.byName.has(KEY_FIELD)) {
      const [append] = encodeParts(target, columns, byPartition(columns, KEY_FIELD, target.partitions));
      if (append !== undefined) return append;
    }
    const { values } = target.encoder.encode(columns, null, target.schemaId);
    const partition = Math.min(original?.partition ?? 0, target.partitions - 1);
    return { topic: letter.topic, partition, records: oneRecord(original?.key ?? new Uint8Array(0), values) };
  }

  async #decoded(letter: PlacedLetter, { decoder }: Target, value: Uint8Array): Promise<Columns> {
    const valueStarts = Int32Array.of(0);
    const valueEnds = Int32Array.of(value.length);
    const { columns, bad } = await decoder.decode({ count: 1, data: value, valueStarts, valueEnds });
    const [first] = bad;
    if (first !== undefined) throw unusable(letter, `it is still no record of the topic: ${first.detail}`);
    return columns;
  }

  #checkAhead(letter: PlacedLetter, columns: Columns): void {
    const times = columns.byName.get(EVENT_TIME);
    const { now, maxAheadMs } = this.#parts;
    if (times?.kind !== 'long' || (times.values[0] as number) <= (now() + maxAheadMs) * MICROS_PER_MS) return;
    throw unusable(letter, `its event time is still more than ${maxAheadMs} ms ahead of the clock`);
  }

  async #target(letter: PlacedLetter): Promise<Target> {
    const known = this.#targets.get(letter.topic);
    if (known !== undefined) return known;
    const { log, registry } = this.#parts;
    const schema = await topicSchema(registry, letter.topic).catch((error: unknown) => {
      if (error instanceof TidemarkError && UNWRITABLE.has(error.code)) throw unusable(letter, error.message);
      throw error;
    });
    const writer = await openTopic({ topic: letter.topic, schema }, this.#parts, await log.listTopics());
    const target = {
      ...writer,
      schema,
      rows: new FieldRows(schema),
      decoder: new TopicDecoder(schema, (id) => registry.schemaById(id)),
    };
    this.#targets.set(letter.topic, target);
    return target;
  }
}

function keyIn(columns: Columns): Uint8Array | null {
  if (columns.byName.get(KEY_FIELD)?.kind !== 'string') return null;
  const { bytes, offsets } = textColumn(columns, KEY_FIELD);
  return bytes.subarray(offsets[0], offsets[1]);
}

function oneRecord(key: Uint8Array, value: Uint8Array): RecordBytes {
  return {
    count: 1,
    keys: key,
    keyOffsets: Int32Array.of(0, key.length),
    values: value,
    valueOffsets: Int32Array.of(0, value.length),
  };
}

/** Records of a topic begin so, as Confluent's registry has them; no text does. */
function isFramed(value: Uint8Array): boolean {
  return value[0] === 0;
}

/** An object or a list: what APIs and exchanges send. */
function isJson(payload: Uint8Array): boolean {
  return payload[0] === OBJECT || payload[0] === LIST;
}

function unusable(letter: PlacedLetter, why: string, hint = FOR_RECORDS): TidemarkError {
  return new TidemarkError('TM_DEAD_LETTER_UNUSABLE', `dead letter ${letterId(letter)} cannot be released: ${why}`, {
    where: `${letter.source}, ${letter.position}`,
    hint,
  });
}
