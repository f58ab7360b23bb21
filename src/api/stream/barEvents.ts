import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { AvroRow } from '../../core/avro/row.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import { formatIsoMicros } from '../../core/time.ts';
import type { RecordChunk } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import { BAR_COLUMNS } from '../../query/bars.ts';
import { plainDecimal } from '../../query/plainDecimal.ts';
import { jsonObjects, type OutputColumn } from '../../query/rowText.ts';
import type { Cell } from '../../query/tabSeparated.ts';
import { barSchema } from '../../schemas.generated.ts';

type Bar = AvroRow<typeof barSchema>;

/** One results record, as it goes to readers. */
export interface BarEvent {
  readonly partition: number;
  readonly offset: number;
  readonly symbol: string;
  readonly interval: string;
  /** The same for all revisions of one bar. */
  readonly bar: string;
  /** The row as JSON. */
  readonly data: string;
}

const COLUMNS: readonly OutputColumn[] = [
  { name: 'partition', isNumber: true },
  { name: 'offset', isNumber: true },
  { name: 'interval', isNumber: false },
  ...BAR_COLUMNS,
  { name: 'final', isNumber: true },
  { name: 'deleted', isNumber: true },
];

const jsonOf = jsonObjects(COLUMNS);

/** Turns results records into events. */
export class BarEvents {
  readonly #decoder: TopicDecoder;
  readonly #view: RowView<Bar>;

  constructor(registry: SchemaRegistry) {
    const schema = parseRecordSchema(barSchema);
    this.#decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
    this.#view = new RowView<Bar>(schema);
  }

  /** In the order of their offsets. What cannot be decoded is no event: the sink writes its dead letter. */
  async of(chunk: RecordChunk): Promise<BarEvent[]> {
    const { columns, rows } = await this.#decoder.decode(chunk);
    this.#view.bind(columns);
    return Array.from({ length: columns.length }, (_, row) => {
      const offset = chunk.offsets[rows === null ? row : (rows[row] as number)] as number;
      return eventOf(this.#view.at(row), chunk.partition, offset);
    });
  }
}

function eventOf(row: Bar, partition: number, offset: number): BarEvent {
  const { instrument: symbol, interval, start, end } = row;
  const cells: Cell[] = [
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
    symbol,
    interval,
    bar: `${interval} ${start} ${end} ${symbol}`,
    data: jsonOf(cells),
  };
}

function number(value: number | null): Cell {
  return value === null ? null : plainDecimal(String(value));
}
