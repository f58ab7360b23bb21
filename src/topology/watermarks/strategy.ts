import type { FieldSchema, RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import { type Chunk, NO_WATERMARK } from '../elements.ts';

/**
 * How a watermark follows its records: each record asks for `value − delayMicros`, where the value is its event time or a
 * field of its own, and the watermark is the highest asked for so far.
 *
 * @example const strictest = (strategies: readonly WatermarkStrategy[]) => Math.max(...strategies.map((s) => s.delayMicros));
 */
export interface WatermarkStrategy {
  /** The field that is followed; null for event time. */
  readonly field: string | null;
  /** Infinite where records do not move the watermark. */
  readonly delayMicros: number;
}

/** @throws TM_TOPOLOGY when the schema has no such timestamp */
export function checkStrategy({ field }: WatermarkStrategy, schema: RecordSchema): void {
  if (field === null || isTimestamp(schema.fields.find(({ name }) => name === field))) return;
  throw new TidemarkError('TM_TOPOLOGY', `fromColumn('${field}'): there is no such timestamp`, {
    where: `schema ${schema.name}`,
    hint: 'Name a long field that holds microseconds; it may be null where a record says nothing of the watermark.',
  });
}

function isTimestamp(field: FieldSchema | undefined): boolean {
  return field?.kind === 'long';
}

/**
 * The watermark before each record of a chunk, and after the last: one longer than the chunk. It never goes back, so a
 * null or an infinite value moves nothing.
 */
export function watermarkPath(chunk: Chunk, { field, delayMicros }: WatermarkStrategy, before: number): Float64Array {
  const path = new Float64Array(chunk.columns.length + 1);
  const column = field === null ? null : chunk.columns.byName.get(field);
  if (delayMicros === Number.POSITIVE_INFINITY) return path.fill(before);
  if (column === null) return follow(chunk.timesMicros, undefined, delayMicros, before, path);
  if (column?.kind !== 'long') throw new RangeError(`there is no column of longs '${field}'`);
  return follow(column.values, column.nulls, delayMicros, before, path);
}

function follow(
  values: Float64Array,
  nulls: Uint8Array | undefined,
  delayMicros: number,
  before: number,
  path: Float64Array,
): Float64Array {
  let current = before;
  for (let i = 0; i < values.length; i++) {
    path[i] = current;
    const asked = nulls?.[i] === 1 ? NO_WATERMARK : (values[i] as number) - delayMicros;
    if (asked > current && asked !== Number.POSITIVE_INFINITY) current = asked;
  }
  path[values.length] = current;
  return path;
}
