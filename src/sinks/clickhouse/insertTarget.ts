import type { FieldSchema, RecordSchema } from '../../core/schema.ts';

/** A version's generation stands above so many bits of revision: there is room for 8,192 in a double's exact integers. */
export const REVISION_BITS = 40;

/** Where a column of a table comes from: a field of the record, its place in the log, or the sink itself. */
export type InsertSource =
  | { readonly kind: 'field'; readonly field: FieldSchema; readonly dictionary: boolean }
  /** A long field plus a number that is the same in every row. */
  | { readonly kind: 'shifted'; readonly field: FieldSchema; readonly by: number }
  | { readonly kind: 'partition' }
  | { readonly kind: 'offset' }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number };

export interface InsertColumn {
  readonly name: string;
  readonly source: InsertSource;
}

/** A table and how its columns follow from a record and the record's place in the log. */
export interface InsertTarget {
  readonly table: string;
  readonly columns: readonly InsertColumn[];
}

/** `symbol` is what SQL calls the record's key. */
export const KEY_COLUMN = 'symbol';

/** A table of the log's records as they are: ticks, quotes, source bars, dead letters. */
export function rawTarget(table: string, schema: RecordSchema): InsertTarget {
  return {
    table,
    columns: [...fieldColumns(schema, 'instrument'), place('partition', 'partition'), place('offset', 'offset')],
  };
}

/** The table of source bars, which two topics share: `isHistory` tells their records' places apart. */
export function sourceBarsTarget(schema: RecordSchema, isHistory: boolean): InsertTarget {
  const { table, columns } = rawTarget('source_bars_raw', schema);
  return { table, columns: [...columns, { name: 'history', source: { kind: 'number', value: isHistory ? 1 : 0 } }] };
}

/**
 * The late ledger: `partition` and `offset` are fields of the record, so the log's own place has other names.
 * @param takenFrom the generation that wrote it, where it is another than the one that it is stored for; 0 otherwise
 */
export function lateTarget(
  schema: RecordSchema,
  { topology, generation, takenFrom }: { topology: string; generation: number; takenFrom: number },
): InsertTarget {
  return {
    table: 'late_raw',
    columns: [
      { name: 'topology', source: { kind: 'text', value: topology } },
      { name: 'generation', source: { kind: 'number', value: generation } },
      ...fieldColumns(schema, 'key'),
      place('logPartition', 'partition'),
      place('logOffset', 'offset'),
      { name: 'takenFrom', source: { kind: 'number', value: takenFrom } },
    ],
  };
}

/** A table of results. A row of a later generation replaces one of an earlier, whatever their revisions. */
export function resultsTarget(
  table: string,
  { schema, keyField, generation }: { schema: RecordSchema; keyField: string; generation: number },
): InsertTarget {
  const revision = schema.fields.find(({ name }) => name === 'revision');
  if (revision === undefined) throw new RangeError(`${schema.name} has no field 'revision'`);
  return {
    table,
    columns: [
      ...fieldColumns(schema, keyField),
      { name: 'version', source: { kind: 'shifted', field: revision, by: generation * 2 ** REVISION_BITS } },
      place('logPartition', 'partition'),
      place('logOffset', 'offset'),
    ],
  };
}

function fieldColumns(schema: RecordSchema, keyField: string): InsertColumn[] {
  return schema.fields.map((field) => ({
    name: columnName(field, keyField),
    source: { kind: 'field', field, dictionary: field.name === keyField || field.name === 'interval' },
  }));
}

export function columnName(field: FieldSchema, keyField: string): string {
  return field.name === keyField ? KEY_COLUMN : field.name;
}

function place(name: string, kind: 'partition' | 'offset'): InsertColumn {
  return { name, source: { kind } };
}
