import { RowView } from '../core/avro/rowView.ts';
import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import type { RecordSchema } from '../core/schema.ts';
import type { Log, LogReader, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';

const READ_BOUNDS = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 };

/** A record of a topic of Tidemark's own, and where it is. */
export interface PlacedRow<Row> {
  readonly partition: number;
  readonly offset: number;
  readonly row: Row;
}

/** Reads records as objects: for topics of decisions, of which there are few, not of data. */
export class TopicRows<Row> {
  readonly #reader: LogReader;
  readonly #decoder: TopicDecoder;
  readonly #view: RowView<Row>;

  private constructor(reader: LogReader, schema: RecordSchema, registry: SchemaRegistry) {
    this.#reader = reader;
    this.#decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
    this.#view = new RowView<Row>(schema);
  }

  static async open<Row>(
    { log, registry }: { readonly log: Log; readonly registry: SchemaRegistry },
    schema: RecordSchema,
    start: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<TopicRows<Row>> {
    return new TopicRows<Row>(await log.openReader(start), schema, registry);
  }

  /** The next records of one partition; none when nothing came within `waitMs`. */
  async read(waitMs: number, maxRecords = READ_BOUNDS.maxRecords): Promise<readonly PlacedRow<Row>[]> {
    const chunk = await this.#reader.read({ ...READ_BOUNDS, maxRecords }, waitMs);
    if (chunk === null) return [];
    const { partition } = chunk;
    const offsets = chunk.offsets.slice(0, chunk.count);
    const { columns, rows } = await this.#decoder.decode(chunk);
    this.#view.bind(columns);
    return Array.from({ length: columns.length }, (_, i) => ({
      partition,
      offset: offsets[rows === null ? i : (rows[i] as number)] as number,
      row: { ...this.#view.at(i) },
    }));
  }

  position(place: TopicPartition): number {
    return this.#reader.position(place);
  }

  seek(place: TopicPartition, offset: number): void {
    this.#reader.seek(place, offset);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
