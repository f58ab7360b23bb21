import type { AvroRow } from '../../core/avro/row.ts';
import type { Operator } from '../elements.ts';
import { rowsFrom } from './flatMap.ts';

/**
 * Makes another row of each row. `schema` is an Avro record of the rows made, an `as const` literal, from which their type is
 * inferred; it has the event time field of the rows given. Event time stays what it was once a watermark follows it. Put it
 * before `keyBy`. To add number columns, `derive` is quicker; to leave columns out, `select`.
 *
 * @example
 * const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
 * const fields = [{ name: 'eventTime', type: time }, { name: 'venue', type: 'string' }, { name: 'paid', type: 'double' }] as const;
 * const payment = { type: 'record', name: 'Payment', fields } as const;
 * const payments = ticks.pipe(
 *   map(payment, ({ eventTime, instrument, price, size }) => ({
 *     eventTime,
 *     venue: instrument.slice(0, instrument.indexOf(':')),
 *     paid: price * size,
 *   })),
 * );
 * @throws TM_TOPOLOGY behind `keyBy`, for a schema without the event time, and for a row whose event time differs behind
 * `watermark`; TM_COLUMN_KIND and TM_ROW_INCOMPLETE for a row that is not of the schema
 */
export function map<Row, const S>(schema: S, rowOf: (row: Row) => AvroRow<S>): Operator<Row, AvroRow<S>> {
  return rowsFrom('map', schema, (row: Row, add) => add(rowOf(row)));
}
