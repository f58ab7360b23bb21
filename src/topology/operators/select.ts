import type { Column } from '../../core/columns.ts';
import { TidemarkError } from '../../errors.ts';
import type { Operator, Shape } from '../elements.ts';
import { transform } from '../transform.ts';

/** The fields named, and what says by which of them the rows are keyed. */
type Selected<Row, F extends keyof Row> = Pick<Row, F | (keyof Row & symbol)>;

/**
 * Keeps the fields named and drops the others. It costs nothing, and rows that wait in a join are smaller for it.
 *
 * @example ticks.pipe(select('instrument', 'eventTime', 'price', 'size'))
 * @throws TM_TOPOLOGY for a field that is not there, and when the event time or the key is not among the fields
 */
export function select<Row, const F extends keyof Row & string>(
  ...fields: readonly F[]
): Operator<Row, Selected<Row, F>> {
  return (source) =>
    transform(source, (emit) => (element) => {
      if (element.kind === 'shape') {
        emit(selected(element, fields));
      } else if (element.kind === 'chunk') {
        const { length, byName } = element.columns;
        const kept = fields.map((field) => [field, byName.get(field) as Column] as const);
        emit({ ...element, columns: { length, byName: new Map(kept) } });
      } else {
        emit(element);
      }
    });
}

function selected(shape: Shape, names: readonly string[]): Shape {
  const { schema, timeField, sequenceField, keyField } = shape;
  const missing = names.find((name) => !schema.fields.some((field) => field.name === name));
  const needed = [timeField, keyField].find((name) => name !== null && !names.includes(name));
  if (missing !== undefined || needed !== undefined) {
    const what = missing === undefined ? `leaves out '${needed}'` : `names '${missing}', which is not there`;
    throw new TidemarkError('TM_TOPOLOGY', `select(...) ${what}`, {
      where: `schema ${schema.name}`,
      hint: 'Name fields of the stream, its event time and its key among them.',
    });
  }
  const fields = names.flatMap((name) => schema.fields.filter((field) => field.name === name));
  return {
    ...shape,
    schema: { ...schema, fields },
    sequenceField: sequenceField !== null && names.includes(sequenceField) ? sequenceField : null,
    steps: [...shape.steps, `select ${names.join(',')}`],
  };
}
