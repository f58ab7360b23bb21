import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { AvroRow } from '../../core/avro/row.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import { generationTopic } from '../../core/output.ts';
import { formatIsoMicros } from '../../core/time.ts';
import type { RecordChunk } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import { BAR_COLUMNS } from '../../query/bars.ts';
import { plainDecimal } from '../../query/plainDecimal.ts';
import { jsonObjects, type OutputColumn } from '../../query/rowText.ts';
import type { Cell } from '../../query/tabSeparated.ts';
import { resultsSinkGroup } from '../../runtime/sinks.ts';
import { barSchema } from '../../schemas.generated.ts';
import { type ApiParts, TOPOLOGY } from '../parts.ts';
import { type BarEvent, newestChanges, type StreamTopic } from './streamTopic.ts';

type Bar = AvroRow<typeof barSchema>;

/** Columns of an event's row besides those of the bar. */
export const EVENT_COLUMNS: readonly OutputColumn[] = [
  { name: 'topic', isNumber: false },
  { name: 'partition', isNumber: true },
  { name: 'offset', isNumber: true },
  { name: 'interval', isNumber: false },
  ...BAR_COLUMNS,
  { name: 'final', isNumber: true },
  { name: 'deleted', isNumber: true },
];

const jsonOf = jsonObjects(EVENT_COLUMNS);

/** The results of a generation: each record is an event. */
export function resultsTopic({ log, registry }: ApiParts, generation: number): StreamTopic {
  const topic = generationTopic(TOPOLOGY, generation);
  const live = new ResultEvents(registry, topic);
  return {
    topic,
    steps: 1,
    sinkGroup: resultsSinkGroup(topic),
    followsSink: false,
    liveEvents: (chunk) => live.of(chunk),
    missedEvents: ({ partition, ...range }, isWanted) => {
      const missed = new ResultEvents(registry, topic);
      return newestChanges(log, { topic, partition }, range, (chunk) => missed.of(chunk), isWanted);
    },
  };
}

/** Turns results records into events. */
class ResultEvents {
  readonly #topic: string;
  readonly #decoder: TopicDecoder;
  readonly #view: RowView<Bar>;

  constructor(registry: SchemaRegistry, topic: string) {
    const schema = parseRecordSchema(barSchema);
    this.#topic = topic;
    this.#decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
    this.#view = new RowView<Bar>(schema);
  }

  /** In the order of their offsets. What cannot be decoded is no event: the sink writes its dead letter. */
  async of(chunk: RecordChunk): Promise<BarEvent[]> {
    const { columns, rows } = await this.#decoder.decode(chunk);
    this.#view.bind(columns);
    return Array.from({ length: columns.length }, (_, row) => {
      const offset = chunk.offsets[rows === null ? row : (rows[row] as number)] as number;
      return eventOf(this.#view.at(row), this.#topic, chunk.partition, offset);
    });
  }
}

function eventOf(row: Bar, topic: string, partition: number, offset: number): BarEvent {
  const { instrument: symbol, interval, start, end } = row;
  const cells: Cell[] = [
    topic,
    String(partition),
    String(offset),
    interval,
    symbol,
    formatIsoMicros(start),
    formatIsoMicros(end),
    number(row.open),
    number(row.high),
    number(row.low),
    number(row.close),
    row.volume,
    number(row.vwap),
    String(row.count),
    String(row.revision),
    String(row.final),
    String(row.deleted),
  ];
  return {
    partition,
    offset,
    next: offset + 1,
    symbol,
    interval,
    bar: `${interval} ${start} ${end} ${symbol}`,
    data: jsonOf(cells),
  };
}

function number(value: number | null): Cell {
  return value === null ? null : plainDecimal(String(value));
}
