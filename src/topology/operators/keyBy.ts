import { KeyTable, type SavedKeys } from '../../core/keyTable.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Stream } from '../elements.ts';
import { transform } from '../transform.ts';

declare const KEY: unique symbol;

/** A row whose key is its field `K`. */
export type Keyed<Row, K extends string> = Row & { readonly [KEY]: K };

/**
 * Names the text field that windows and results are kept by. Results go to the partition that their input came from, so
 * it is the topic's own key or something that has one value for each key; `repartition` keys by anything else.
 *
 * @example keyBy('instrument')
 * @throws TM_TOPOLOGY when there is no such field or it is not a text that is always there
 */
export function keyBy<const K extends string>(
  field: K,
): <Row extends { readonly [P in K]: string }>(source: Stream<Row>) => Stream<Keyed<Row, K>> {
  return (source) =>
    transform(source, (emit) => {
      const keys = new KeyTable();
      return (element) => {
        if (element.kind === 'shape') {
          checkKey(field, element.schema);
          emit({ ...element, keyField: field, steps: [...element.steps, `key ${field}`] });
        } else if (element.kind === 'chunk') {
          keys.sweep();
          emit({ ...element, keys, keyIds: idsOf(element, field, keys) });
        } else {
          if (element.kind === 'snapshot') {
            element.parts.push(keys.snapshot());
            element.keys = keys;
          } else if (element.kind === 'restore') {
            keys.restore(element.parts.shift() as SavedKeys);
            element.keys = keys;
          }
          emit(element);
        }
      };
    });
}

/** @throws TM_TOPOLOGY when rows cannot be keyed by the field */
export function checkKey(field: string, { fields, name }: RecordSchema): void {
  const key = fields.find((each) => each.name === field);
  if (key?.kind !== 'string' || key.nullable) throw notAKey(field, name);
}

function idsOf(chunk: Chunk, field: string, keys: KeyTable): Int32Array {
  const column = chunk.columns.byName.get(field);
  if (column?.kind !== 'string') throw notAKey(field, 'chunk');
  const { bytes, offsets } = column;
  const ids = new Int32Array(chunk.columns.length);
  for (let i = 0; i < ids.length; i++) ids[i] = keys.intern(bytes, offsets[i] as number, offsets[i + 1] as number);
  return ids;
}

function notAKey(field: string, where: string): TidemarkError {
  return new TidemarkError('TM_TOPOLOGY', `keyBy('${field}') needs a text field that cannot be null`, {
    where: `schema ${where}`,
    hint: 'Name a string field of the stream, such as the instrument.',
  });
}
