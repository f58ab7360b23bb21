import { RowView } from '../../core/avro/rowView.ts';
import { chunkRows } from '../chunkRows.ts';
import type { Chunk, Operator } from '../elements.ts';
import { transform } from '../transform.ts';

/**
 * Keeps the rows for which the predicate is true. The row is one object that moves over the columns: read it, do not keep
 * it. A filter after `watermark` does not hold the watermark back: rows that are dropped have moved it.
 *
 * @example bars.pipe(filter((bar) => bar.interval === '1s'))
 */
export function filter<Row>(predicate: (row: Row) => boolean): Operator<Row, Row> {
  return (source) =>
    transform(source, (emit) => {
      let view: RowView<Row> | null = null;
      return (element) => {
        if (element.kind === 'shape') view = new RowView<Row>(element.schema);
        if (element.kind === 'chunk' && view !== null) emit(filtered(element, view, predicate));
        else if (element.kind === 'shape') emit({ ...element, steps: [...element.steps, 'filter'] });
        else emit(element);
      };
    });
}

function filtered<Row>(chunk: Chunk, view: RowView<Row>, predicate: (row: Row) => boolean): Chunk {
  view.bind(chunk.columns);
  const kept = new Int32Array(chunk.columns.length);
  let count = 0;
  for (let i = 0; i < kept.length; i++) if (predicate(view.at(i))) kept[count++] = i;
  if (count === kept.length) return chunk;
  return chunkRows(chunk, kept.subarray(0, count));
}
