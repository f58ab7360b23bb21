import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { AvroRow } from '../../core/avro/row.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { RowWriter } from '../../core/avro/rowWriter.ts';
import type { Operator, Stream } from '../elements.ts';
import { transform } from '../transform.ts';
import { madeChunk, madeShape } from './madeRows.ts';

/**
 * Makes any number of rows of each row. `schema` is an Avro record of the rows made, an `as const` literal, from which their
 * type is inferred; it has the event time field of the rows given. Event time stays what it was once a watermark follows it. Put
 * it before `keyBy`. The row given is one object that moves over the columns: read it, do not keep it.
 *
 * @example
 * const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
 * const fields = [{ name: 'eventTime', type: time }, { name: 'level', type: 'double' }, { name: 'symbol', type: 'string' }] as const;
 * const level = { type: 'record', name: 'Level', fields } as const;
 * const sides = quotes.pipe(
 *   flatMap(level, ({ eventTime, instrument, bid, ask }) => [bid, ask].map((at) => ({ eventTime, symbol: instrument, level: at }))),
 * );
 * @throws TM_TOPOLOGY behind `keyBy`, for a schema without the event time, and for a row whose event time differs behind
 * `watermark`; TM_COLUMN_KIND and TM_ROW_INCOMPLETE for a row that is not of the schema
 */
export function flatMap<Row, const S>(
  schema: S,
  rowsOf: (row: Row) => Iterable<AvroRow<S>>,
): Operator<Row, AvroRow<S>> {
  return rowsFrom('flatMap', schema, (row: Row, add) => {
    for (const made of rowsOf(row)) add(made);
  });
}

/** What `map` and `flatMap` are: `make` adds the rows that a row becomes. */
export function rowsFrom<Row, const S>(
  operator: string,
  schema: S,
  make: (row: Row, add: (made: AvroRow<S>) => void) => void,
): Operator<Row, AvroRow<S>> {
  const made = parseRecordSchema(schema);
  return (source: Stream<Row>): Stream<AvroRow<S>> =>
    transform(source, (emit) => {
      let view: RowView<Row> | null = null;
      let timeField = '';
      const writer = new RowWriter(made);
      return (element) => {
        if (element.kind === 'shape') {
          view = new RowView<Row>(element.schema);
          timeField = element.timeField;
          emit(madeShape(operator, element, made));
        } else if (element.kind === 'chunk' && view !== null) {
          const rows: number[] = [];
          view.bind(element.columns);
          for (let i = 0; i < element.columns.length; i++) {
            make(view.at(i), (row) => {
              writer.add(row as Readonly<Record<string, unknown>>);
              rows.push(i);
            });
          }
          emit(madeChunk(operator, { of: element, rows, columns: writer.finish() }, timeField));
        } else {
          emit(element);
        }
      };
    });
}
