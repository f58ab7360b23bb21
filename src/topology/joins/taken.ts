import type { Columns } from '../../core/columns.ts';
import type { FieldSchema, RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';

/** Fields of the right side that a join adds to the left one's: name in the result -> field of the right side. */
export type Take<Right> = Readonly<Record<string, keyof Right & string>>;

/** What a join adds to a row of the left side. */
export type Taken<Right, T extends Take<Right>> = { readonly [K in keyof T]: Right[T[K]] };

/** The right side's fields that are taken, under the names of the result. @throws TM_TOPOLOGY */
export function takenFields(
  operator: string,
  left: RecordSchema,
  right: RecordSchema,
  take: Readonly<Record<string, string>>,
): readonly FieldSchema[] {
  return Object.entries(take).map(([name, field]) => {
    const found = right.fields.find((each) => each.name === field);
    if (found === undefined || left.fields.some((each) => each.name === name)) {
      const what =
        found === undefined ? `the right side has no field '${field}'` : `the left side has '${name}' already`;
      throw new TidemarkError('TM_TOPOLOGY', `${operator}(...): ${what}`, {
        where: `take: { ${name}: '${field}' }`,
        hint: 'Write take: { name in the result: field of the right side }, with names that the left side does not have.',
      });
    }
    return { ...found, name };
  });
}

/** Columns of the right side under the names of the result. */
export function renamed(columns: Columns, take: Readonly<Record<string, string>>): Columns {
  const byName = Object.entries(take).flatMap(([name, field]) => {
    const column = columns.byName.get(field);
    return column === undefined ? [] : [[name, column] as const];
  });
  return { length: columns.length, byName: new Map(byName) };
}
