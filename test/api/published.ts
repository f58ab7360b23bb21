import { compileEncoder } from '../../src/core/avro/encoder.ts';
import type { RecordBytes, TransactionalWriter } from '../../src/log/log.ts';
import { sourceBarsTarget } from '../../src/sinks/clickhouse/insertTarget.ts';
import { avroSchema, columnsOf, type Value } from '../sinks/clickhouse/schemas.ts';
import { insertRows } from '../sinks/clickhouse/support.ts';
import type { Stores } from './served.ts';

const SCHEMA = avroSchema('source_bar');
export const PUBLISHED_TOPICS = ['source_bars', 'source_bars_history'] as const;
export const PARTITIONS = 2;
/** 2024-08-09T12:00:00Z */
export const NOON = 1_723_204_800_000_000;
export const MINUTE = 60_000_000;

export type Published = Readonly<Record<string, Value>>;

/** A minute bar, `minute` minutes after noon. */
export function minuteBar(instrument: string, minute: number, values: Published = {}): Published {
  return {
    ...{ instrument, interval: '1m', eventTime: NOON + minute * MINUTE, source: 'v' },
    ...{ open: 10, high: 12, low: 9, close: 11, volume: 0.1, adjusted: false, provisional: false, revision: 0 },
    ...values,
  };
}

export interface Place {
  readonly topic: (typeof PUBLISHED_TOPICS)[number];
  readonly partition: number;
}

/** Topics of published bars, and a sink of them that stores when it is told to. */
export class Publisher {
  readonly #stores: Stores;
  readonly #writer: TransactionalWriter;
  readonly #sink: TransactionalWriter;
  readonly #schemaId: number;
  #unstored: { readonly place: Place; readonly firstOffset: number; readonly rows: Published[] }[] = [];

  private constructor(stores: Stores, writer: TransactionalWriter, sink: TransactionalWriter, schemaId: number) {
    this.#stores = stores;
    this.#writer = writer;
    this.#sink = sink;
    this.#schemaId = schemaId;
  }

  static async open(stores: Stores): Promise<Publisher> {
    const { log, registry } = stores;
    for (const topic of PUBLISHED_TOPICS) await log.createTopic(topic, { partitions: PARTITIONS, retentionMs: -1 });
    const schemaId = await registry.register('source_bars-value', SCHEMA.text);
    return new Publisher(stores, await log.openWriter('test-publisher'), await log.openWriter('test-sink'), schemaId);
  }

  async publish(rows: readonly Published[], place: Place = { topic: 'source_bars', partition: 0 }): Promise<void> {
    const records: RecordBytes = {
      count: rows.length,
      keys: new Uint8Array(0),
      keyOffsets: new Int32Array(rows.length + 1),
      ...compileEncoder(SCHEMA).encode(columnsOf(SCHEMA, rows), null, this.#schemaId),
    };
    const [appended] = await this.#writer.commit({ appends: [{ ...place, records }], positions: [] });
    const firstOffset = appended?.firstOffset ?? 0;
    const before = this.#unstored.findLast((batch) => isSame(batch.place, place));
    // One insert for what lies together.
    if (before !== undefined && before.firstOffset + before.rows.length === firstOffset) before.rows.push(...rows);
    else this.#unstored.push({ place, firstOffset, rows: [...rows] });
  }

  /** Stores what was published, and then says so, as the sink does. */
  async store(): Promise<void> {
    const batches = this.#unstored;
    this.#unstored = [];
    for (const { place, firstOffset, rows } of batches) {
      const target = sourceBarsTarget(SCHEMA, place.topic === 'source_bars_history');
      await insertRows(this.#stores.clickhouse, target, SCHEMA, rows, { partition: place.partition, firstOffset });
      const position = { ...place, offset: firstOffset + rows.length, metadata: '' };
      await this.#sink.commit({ appends: [], positions: [{ group: 'sink.raw', positions: [position] }] });
    }
  }
}

function isSame(one: Place, other: Place): boolean {
  return one.topic === other.topic && one.partition === other.partition;
}
