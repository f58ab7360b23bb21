import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import type { Columns } from '../../core/columns.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import { avroFieldOf } from '../aggregates/resultSchema.ts';

/** What a record of a repartition topic is: its code in the field `_kind`. */
export const CARRIED_KINDS = ['row', 'watermark', 'idle'] as const;
export const ROW = 0;
export const WATERMARK = 1;
export const IDLE = 2;

const OWN_FIELDS = [
  { name: '_kind', kind: 'enum', nullable: false, symbols: CARRIED_KINDS },
  // The upstream task that wrote the record.
  { name: '_partition', kind: 'int', nullable: false },
  // Of a row: the offset of the record that it came of.
  { name: '_offset', kind: 'long', nullable: true },
  // In force upstream: of a row, before it.
  { name: '_watermark', kind: 'long', nullable: true },
  // Of `idle`: offsets of the upstream task's inputs up to which all that it has is in the records before, as JSON.
  { name: '_reached', kind: 'string', nullable: true },
] as const;

/** Records for the partitions of a repartition topic. */
export interface Carried {
  readonly columns: Columns;
  /** The partition of each. */
  readonly targets: Int32Array;
}

/** A topic between two stages of a topology. */
export interface RepartitionTopic {
  readonly topic: string;
  readonly schema: RecordSchema;
  /** What its rows are keyed by. */
  readonly keyField: string;
}

/**
 * The schema of a repartition topic: the fields of its rows, each possibly null, since a watermark has none of them, and what
 * is carried beside them.
 * @throws TM_TOPOLOGY where a row has a field of such a name
 */
export function carriedSchema(rows: RecordSchema): RecordSchema {
  const known = carriedOf.get(rows);
  if (known !== undefined) return known;
  const taken = OWN_FIELDS.find(({ name }) => rows.fields.some((field) => field.name === name));
  if (taken !== undefined) {
    throw new TidemarkError('TM_TOPOLOGY', `repartition(...): the field name '${taken.name}' is Tidemark's own`, {
      where: `schema ${rows.name}`,
      hint: `Rename the field before, with map(...). Taken are: ${OWN_FIELDS.map(({ name }) => name).join(', ')}.`,
    });
  }
  const own = [...rows.fields.map((field) => ({ ...field, nullable: true })), ...OWN_FIELDS];
  const carried = parseRecordSchema({ type: 'record', name: `${rows.name}Carried`, fields: own.map(avroFieldOf) });
  carriedOf.set(rows, carried);
  return carried;
}

/** Each task of a topology asks for it again. */
const carriedOf = new WeakMap<RecordSchema, RecordSchema>();
