import { RowView } from '../../core/avro/rowView.ts';
import type { Column } from '../../core/columns.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Operator, Shape } from '../elements.ts';
import { transform } from '../transform.ts';

type Derivations<Row, N extends string> = { readonly [K in N]: (row: Row) => number | null };

/**
 * Adds number fields that are computed from each row. The row is one object that moves over the columns: read it, do not
 * keep it.
 *
 * @example quotes.pipe(derive({ mid: (quote) => midpoint(quote.bid, quote.ask) }))
 * @throws TM_TOPOLOGY when a name is taken
 */
export function derive<Row, const N extends string>(
  derivations: Derivations<Row, N>,
): Operator<Row, Row & { readonly [K in N]: number | null }> {
  const entries = Object.entries<(row: Row) => number | null>(derivations);
  return (source) =>
    transform(source, (emit) => {
      let view: RowView<Row> | null = null;
      return (element) => {
        if (element.kind === 'shape') {
          view = new RowView<Row>(element.schema);
          emit(
            extended(
              element,
              entries.map(([name]) => name),
            ),
          );
        } else if (element.kind === 'chunk' && view !== null) {
          emit(derived(element, view, entries));
        } else {
          emit(element);
        }
      };
    });
}

function extended(shape: Shape, names: readonly string[]): Shape {
  const taken = names.find((name) => shape.schema.fields.some((field) => field.name === name));
  if (taken !== undefined) {
    throw new TidemarkError('TM_TOPOLOGY', `derive(...): the field '${taken}' is there already`, {
      where: `schema ${shape.schema.name}`,
      hint: 'Give the derived field another name.',
    });
  }
  const added = names.map((name): FieldSchema => ({ name, kind: 'double', nullable: true }));
  const schema = { ...shape.schema, fields: [...shape.schema.fields, ...added] };
  return { ...shape, schema, steps: [...shape.steps, `derive ${names.join(',')}`] };
}

function derived<Row>(
  chunk: Chunk,
  view: RowView<Row>,
  entries: readonly (readonly [string, (row: Row) => number | null])[],
): Chunk {
  view.bind(chunk.columns);
  const byName = new Map<string, Column>(chunk.columns.byName);
  for (const [name, compute] of entries) {
    const values = new Float64Array(chunk.columns.length);
    const nulls = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = compute(view.at(i));
      if (value === null) nulls[i] = 1;
      else values[i] = value;
    }
    byName.set(name, { kind: 'double', values, nulls });
  }
  return { ...chunk, columns: { length: chunk.columns.length, byName } };
}
