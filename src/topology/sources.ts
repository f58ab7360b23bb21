import type { Column, Columns } from '../core/columns.ts';
import type { FieldSchema } from '../core/schema.ts';
import type { Chunk, Shape } from './elements.ts';

/** A column beside those of a stream's own fields, in which an operator that keeps rows keeps their sources. */
const COLUMN = ' source';

/** The fields to keep of a stream's rows. */
export function keptFields({ schema, isUnion }: Shape): readonly FieldSchema[] {
  return isUnion ? [...schema.fields, { name: COLUMN, kind: 'int', nullable: false }] : schema.fields;
}

/** The columns to keep of a chunk. */
export function keptColumns({ columns, sources }: Chunk): Columns {
  if (sources === undefined) return columns;
  const column: Column = { kind: 'int', values: sources };
  return { length: columns.length, byName: new Map([...columns.byName, [COLUMN, column]]) };
}

/** A chunk's own columns and sources, of those that were kept. */
export function ofKept(kept: Columns): Pick<Chunk, 'columns' | 'sources'> {
  const source = kept.byName.get(COLUMN);
  if (source?.kind !== 'int') return { columns: kept };
  const byName = new Map(kept.byName);
  byName.delete(COLUMN);
  return { columns: { length: kept.length, byName }, sources: source.values };
}

/** The topics that records of a chunk came in; undefined behind a join of a union, where that is not known. */
export function topicsOf(
  { origins, isUnion }: Shape,
  { sources }: Chunk,
  rows: readonly number[],
): readonly string[] | undefined {
  if (isUnion && sources === undefined) return undefined;
  return rows.map((row) => origins[sources === undefined ? 0 : (sources[row] as number)]?.topic ?? '');
}
