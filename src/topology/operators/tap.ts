import { RowView } from '../../core/avro/rowView.ts';
import type { Operator } from '../elements.ts';
import { transform } from '../transform.ts';

/**
 * Looks at each row as it passes, for instance to print it while a topology is being written. After a restart rows may pass
 * again. The row is one object that moves over the columns: read it, do not keep it.
 *
 * @example ticks.pipe(tap((tick) => console.log(tick.instrument, tick.price)))
 */
export function tap<Row>(look: (row: Row) => void): Operator<Row, Row> {
  return (source) =>
    transform(source, (emit) => {
      let view: RowView<Row> | null = null;
      return (element) => {
        if (element.kind === 'shape') view = new RowView<Row>(element.schema);
        if (element.kind === 'chunk' && view !== null) {
          view.bind(element.columns);
          for (let i = 0; i < element.columns.length; i++) look(view.at(i));
        }
        emit(element);
      };
    });
}
