import { map, Observable } from 'rxjs';
import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { AvroRow } from '../../core/avro/row.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { RowWriter } from '../../core/avro/rowWriter.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Element, Stream } from '../elements.ts';
import { transform } from '../transform.ts';
import { madeChunk, madeShape } from './madeRows.ts';

/** A row as an object of its own, and where it came from. */
interface RowItem<Row> {
  readonly kind: 'row';
  readonly row: Row;
  readonly chunk: Chunk;
  readonly index: number;
}

/** All rows of a chunk have passed. */
interface RowsEnd {
  readonly kind: 'rowsEnd';
  readonly chunk: Chunk;
}

/**
 * What a stream of single rows is made of: rows (`kind` is `row`), and whatever else a topology's stream carries, which has to be
 * passed on as it is, in its place.
 *
 * @example const priceOf = (element: RowElement<Tick>) => (element.kind === 'row' ? element.row.price : null);
 */
export type RowElement<Row> = RowItem<Row> | RowsEnd | Exclude<Element, Chunk>;

/**
 * Crosses over to one object a record, where RxJS's own operators are wanted and speed is not; `fromRows` crosses back. Between
 * the two, rows may be changed, dropped or multiplied (`{ ...element, row }`), at once and from the row alone: what an
 * operator there remembers is not saved with the task's state, and rows that it holds back are refused.
 *
 * @example
 * const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
 * const fields = [{ name: 'eventTime', type: time }, { name: 'instrument', type: 'string' }, { name: 'paid', type: 'double' }] as const;
 * const payment = { type: 'record', name: 'Payment', fields } as const;
 * const payments = ticks.pipe(
 *   rows(),
 *   eachRow(({ eventTime, instrument, price, size }) => ({ eventTime, instrument, paid: price * size })),
 *   fromRows(payment),
 * );
 */
export function rows<Row>(): (source: Stream<Row>) => Observable<RowElement<Row>> {
  return (source) =>
    new Observable((subscriber) => {
      let view: RowView<Row> | null = null;
      return source.subscribe({
        next: (element) => {
          if (element.kind === 'shape') view = new RowView<Row>(element.schema);
          if (element.kind !== 'chunk' || view === null) {
            if (element.kind !== 'chunk') subscriber.next(element);
            return;
          }
          view.bind(element.columns);
          for (let index = 0; index < element.columns.length; index++) {
            subscriber.next({ kind: 'row', row: { ...view.at(index) }, chunk: element, index });
          }
          subscriber.next({ kind: 'rowsEnd', chunk: element });
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

/**
 * Changes each row of a stream of single rows.
 *
 * @example ticks.pipe(rows(), eachRow((tick) => tick.price))
 */
export function eachRow<In, Out>(
  change: (row: In) => Out,
): (source: Observable<RowElement<In>>) => Observable<RowElement<Out>> {
  return map((element) => (element.kind === 'row' ? { ...element, row: change(element.row) } : element));
}

/**
 * Crosses back from single rows to columns. `schema` is an Avro record of the rows, an `as const` literal, with the event time
 * field that the stream had.
 *
 * @example const asTicks = ticks.pipe(rows(), fromRows({ type: 'record', name: 'T', fields: [{ name: 'eventTime', type: 'long' }] } as const));
 * @throws TM_TOPOLOGY behind `keyBy`, for a schema without the event time, for a row whose event time differs behind
 * `watermark`, and for rows that come when their chunk is over; TM_COLUMN_KIND and TM_ROW_INCOMPLETE for a row that is not of the
 * schema
 */
export function fromRows<const S>(schema: S): (source: Observable<RowElement<AvroRow<S>>>) => Stream<AvroRow<S>> {
  const made = parseRecordSchema(schema);
  return (source) =>
    transform(source, (emit) => {
      const writer = new RowWriter(made);
      let timeField = '';
      let indexes: number[] = [];
      let open: Chunk | null = null;
      return (element) => {
        if (element.kind === 'row') {
          if (indexes.length > 0 && element.chunk !== open) throw waited();
          open = element.chunk;
          writer.add(element.row as Readonly<Record<string, unknown>>);
          indexes.push(element.index);
        } else if (element.kind === 'rowsEnd') {
          if (indexes.length > 0 && element.chunk !== open) throw waited();
          emit(madeChunk('fromRows', { of: element.chunk, rows: indexes, columns: writer.finish() }, timeField));
          indexes = [];
        } else if (element.kind === 'shape') {
          timeField = element.timeField;
          emit(madeShape('fromRows', element, made));
        } else {
          emit(element);
        }
      };
    });
}

function waited(): TidemarkError {
  return new TidemarkError('TM_TOPOLOGY', 'fromRows(...): a row came when its chunk was over', {
    hint: 'Between rows() and fromRows(...) use operators that give their rows at once: no buffers, no delays, no promises.',
  });
}
