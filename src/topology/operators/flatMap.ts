import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { AvroRow } from '../../core/avro/row.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { RowWriter } from '../../core/avro/rowWriter.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { timesOf } from '../../core/timeRange.ts';
import { TidemarkError } from '../../errors.ts';
import { chunkOver } from '../chunkRows.ts';
import type { Chunk, Operator, Shape, Stream } from '../elements.ts';
import { transform } from '../transform.ts';
import { arrivalAmong } from './release.ts';

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
          emit(shapeOf(operator, element, made));
        } else if (element.kind === 'chunk' && view !== null) {
          const rows: number[] = [];
          view.bind(element.columns);
          for (let i = 0; i < element.columns.length; i++) {
            make(view.at(i), (row) => {
              writer.add(row as Readonly<Record<string, unknown>>);
              rows.push(i);
            });
          }
          const chunk = chunkOver(element, Int32Array.from(rows), writer.finish());
          emit(retimed(operator, { ...chunk, arrivals: toldApart(chunk.arrivals) }, timeField));
        } else {
          emit(element);
        }
      };
    });
}

function shapeOf(operator: string, shape: Shape, schema: RecordSchema): Shape {
  const time = schema.fields.find(({ name }) => name === shape.timeField);
  if (time?.kind !== 'long' || time.nullable || shape.keyField !== null || shape.result !== null) {
    throw new TidemarkError('TM_TOPOLOGY', `${operator}(...) makes records, before they have a key`, {
      where: `schema ${schema.name}`,
      hint: `Put it before keyBy(...), and give its schema the event time '${shape.timeField}' as a long that is always there.`,
    });
  }
  const { sequenceField } = shape;
  const hasSequence = schema.fields.some(({ name, kind }) => name === sequenceField && kind === 'long');
  return {
    ...shape,
    schema,
    sequenceField: hasSequence ? sequenceField : null,
    steps: [...shape.steps, `${operator} ${schema.name}`],
  };
}

/** Rows that one row became have arrivals of their own: what comes after them breaks ties by arrival. */
function toldApart(arrivals: Float64Array): Float64Array {
  let nth = 0;
  return arrivals.map((arrival, i) => {
    nth = i > 0 && arrivals[i - 1] === arrival ? nth + 1 : 0;
    return arrivalAmong(arrival, nth);
  });
}

/** The chunk with the event times of its new columns. */
function retimed(operator: string, chunk: Chunk, timeField: string): Chunk {
  const timesMicros = timesOf(chunk.columns, timeField);
  const changed = chunk.watermarks === null ? -1 : timesMicros.findIndex((time, i) => time !== chunk.timesMicros[i]);
  if (changed === -1) return { ...chunk, timesMicros };
  throw new TidemarkError(
    'TM_TOPOLOGY',
    `${operator}(...) changes an event time that the watermark has counted already`,
    {
      where: `offset ${chunk.offsets[changed]}`,
      hint: `Put ${operator}(...) before watermark(...), or leave '${timeField}' as it is.`,
    },
  );
}
