import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import { TopicDecoder, type ValueChunk } from '../../../src/core/avro/topicDecoder.ts';
import { TidemarkError } from '../../../src/errors.ts';
import { evolution, type TypedValue } from './schemaArbitraries.ts';
import { valueAt } from './valueAt.ts';

/** Values in one buffer, with bytes between them that must not be read. */
function chunkOf(values: readonly (Uint8Array | null)[]): ValueChunk {
  const gap = Buffer.alloc(3, 0xff);
  const data = Buffer.concat(values.flatMap((value) => [gap, value ?? Buffer.alloc(0)]));
  const valueStarts = new Int32Array(values.length);
  const valueEnds = new Int32Array(values.length);
  let at = 0;
  values.forEach((value, i) => {
    at += gap.length;
    valueStarts[i] = value === null ? -1 : at;
    at += value?.length ?? 0;
    valueEnds[i] = value === null ? -1 : at;
  });
  return { count: values.length, data, valueStarts, valueEnds };
}

function framed(id: number, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(id, 1);
  return Buffer.concat([frame, body]);
}

function registryOf(schemas: Readonly<Record<number, object>>): (id: number) => Promise<string> {
  return async (id) => {
    const schema = schemas[id];
    if (schema === undefined) {
      throw new TidemarkError('TM_SCHEMA_UNKNOWN', `No schema ${id}.`);
    }
    return JSON.stringify(schema);
  };
}

function avscType(schema: object): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(JSON.stringify(schema)), { wrapUnions: false });
}

describe('TopicDecoder', () => {
  it('reads what avsc wrote, under the same or another version of the schema, as avsc reads it', async () => {
    await fc.assert(
      fc.asyncProperty(evolution, async ({ writer, reader, rows }) => {
        const writerType = avscType(writer);
        const readerType = avscType(reader);
        let resolver: ReturnType<avsc.Type['createResolver']>;
        const bodies = rows.map((row) => writerType.toBuffer(row));
        const decoder = new TopicDecoder(parseRecordSchema(reader), registryOf({ 5: writer }));
        const { columns, bad, rows: kept } = await decoder.decode(chunkOf(bodies.map((body) => framed(5, body))));
        try {
          resolver = readerType.createResolver(writerType);
        } catch {
          // avsc refuses a pair of schemas as a whole; we take the values of it that can be read.
          expect(columns.length + bad.length).toBe(rows.length);
          return;
        }
        expect(bad).toEqual([]);
        expect(kept).toBeNull();
        bodies.forEach((body, i) => {
          const expected = readerType.fromBuffer(body, resolver);
          for (const { name, type } of reader.fields) {
            expect(valueAt(columns.byName.get(name), i)).toEqual(plain(expected[name], type));
          }
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

/** avsc leaves an int unrounded where the reader asks for a float, and gives bytes as a Buffer. */
function plain(value: TypedValue, type: unknown): TypedValue {
  if (typeof value === 'number' && JSON.stringify(type).includes('"float"')) {
    return Math.fround(value);
  }
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}
