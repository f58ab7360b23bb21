import type avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileEncoder } from '../../../src/core/avro/encoder.ts';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import { TopicDecoder } from '../../../src/core/avro/topicDecoder.ts';
import { ColumnsBuilder } from '../../../src/core/columnsBuilder.ts';
import { barSchema } from '../../../src/schemas.generated.ts';
import { effort } from '../../support/effort.ts';
import { avscType, chunkOf, framed, schemasBy } from './chunks.ts';
import { evolution, type TypedValue } from './schemaArbitraries.ts';
import { type Value, valueAt } from './valueAt.ts';

const recordOf = (...fields: object[]) => ({ type: 'record', name: 'R', fields });

/** Decodes one body and gives the value of field `x`, or the reason why it has none. */
async function read(body: readonly number[], writer: unknown, reader: unknown): Promise<Value> {
  const schema = parseRecordSchema(recordOf({ name: 'x', type: reader }));
  const decoder = new TopicDecoder(schema, schemasBy({ 1: recordOf({ name: 'x', type: writer }) }));
  const { columns, bad } = await decoder.decode(chunkOf([framed(1, Uint8Array.from(body))]));
  return bad[0] === undefined ? valueAt(columns.byName.get('x'), 0) : bad[0].reason;
}

describe('TopicDecoder', () => {
  it('reads what avsc wrote, under the same or another version of the schema, as avsc reads it', async () => {
    await fc.assert(
      fc.asyncProperty(evolution, async ({ writer, reader, rows }) => {
        const writerType = avscType(writer);
        const readerType = avscType(reader);
        const bodies = rows.map((row) => writerType.toBuffer(row));
        const decoder = new TopicDecoder(parseRecordSchema(reader), schemasBy({ 5: writer }));
        const { columns, bad, rows: kept } = await decoder.decode(chunkOf(bodies.map((body) => framed(5, body))));
        let resolver: ReturnType<avsc.Type['createResolver']>;
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
      { numRuns: effort(300) },
    );
  });

  it('reads what our own encoder wrote, decimals included', async () => {
    const limit = 10n ** 76n - 1n;
    const decimal = fc.option(fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -200n, max: 200n })));
    const schema = parseRecordSchema(barSchema);
    const encoder = compileEncoder(schema);
    const decoder = new TopicDecoder(schema, async () => schema.text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ volume: decimal, start: fc.maxSafeInteger() })), async (rows) => {
        const builder = new ColumnsBuilder(schema);
        const field = (name: string) => builder.fieldIndex(name);
        for (const { volume, start } of rows) {
          for (const name of ['instrument', 'interval']) builder.setText(field(name), name);
          for (const name of ['end', 'revision', 'count']) builder.setNumber(field(name), 1);
          for (const name of ['final', 'deleted']) builder.setBoolean(field(name), name === 'final');
          builder.setNumber(field('start'), start);
          if (volume !== null) builder.setDecimal(field('volume'), volume);
          builder.endRow();
        }
        const columns = builder.finish();
        const { values, valueOffsets } = encoder.encode(columns, null, 9);
        const valueStarts = valueOffsets.slice(0, rows.length);
        const chunk = { count: rows.length, data: values, valueStarts, valueEnds: valueOffsets.slice(1) };
        expect((await decoder.decode(chunk)).columns).toEqual(columns);
      }),
    );
  });

  it('sets values without a readable schema apart, and decodes the rest', async () => {
    const writers = {
      1: recordOf({ name: 'x', type: 'int' }),
      2: recordOf({ name: 'y', type: 'string' }, { name: 'x', type: 'long' }),
      3: recordOf({ name: 'x', type: 'string' }),
      4: recordOf({ name: 'y', type: 'string' }),
      5: { type: 'string' },
      [2 ** 32 - 1]: recordOf({ name: 'x', type: 'int' }),
    };
    let asked = 0;
    const decoder = new TopicDecoder(parseRecordSchema(recordOf({ name: 'x', type: 'long' })), (id) => {
      asked++;
      return schemasBy(writers)(id);
    });
    const values = [
      framed(1, Uint8Array.of(2)),
      null,
      framed(2, Uint8Array.of(2, 65, 4)),
      framed(99, Uint8Array.of(2)),
      framed(99, Uint8Array.of(2)),
      Uint8Array.of(0, 0, 0, 1),
      Uint8Array.of(),
      Uint8Array.of(1, 0, 0, 0, 1, 2),
      framed(3, Uint8Array.of(2, 65)),
      framed(4, Uint8Array.of(2, 65)),
      framed(5, Uint8Array.of(2, 65)),
      framed(1, Uint8Array.of(6)),
      framed(2 ** 32 - 1, Uint8Array.of(8)),
    ];
    const { columns, rows, bad } = await decoder.decode(chunkOf(values));
    expect(columns.byName.get('x')).toEqual({ kind: 'long', values: Float64Array.of(1, 2, 3, 4) });
    expect(rows).toEqual(Int32Array.of(0, 2, 11, 12));
    expect(bad.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'null'],
      [3, 'schema'],
      [4, 'schema'],
      [5, 'framing'],
      [6, 'framing'],
      [7, 'framing'],
      [8, 'schema'],
      [9, 'schema'],
      [10, 'schema'],
    ]);
    const askedBefore = asked;
    await decoder.decode(chunkOf(values));
    expect(asked).toBe(askedBefore);
  });

  it('passes on that the registry cannot be asked, and asks again', async () => {
    const schema = parseRecordSchema(recordOf({ name: 'x', type: 'int' }));
    let reachable = false;
    const decoder = new TopicDecoder(schema, async () => {
      if (!reachable) {
        throw new Error('out of reach');
      }
      return schema.text;
    });
    const chunk = chunkOf([framed(1, Uint8Array.of(2))]);
    await expect(decoder.decode(chunk)).rejects.toThrow('out of reach');
    reachable = true;
    expect((await decoder.decode(chunk)).bad).toEqual([]);
  });

  it('gives microseconds for times, whoever says that they are milliseconds', async () => {
    const millis = { type: 'long', logicalType: 'timestamp-millis' };
    const micros = { type: 'long', logicalType: 'timestamp-micros' };
    expect(await read([6], millis, micros)).toBe(3000);
    expect(await read([6], 'long', millis)).toBe(3000);
    expect(await read([6], millis, millis)).toBe(3000);
    expect(await read([6], micros, millis)).toBe(3);
    expect(await read([6], millis, 'long')).toBe(3);
    expect(await read([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], millis, micros)).toBe('range');
  });

  it('reads decimals of any length that its digits fit', async () => {
    const decimal = (precision: number, scale = 0) => ({ type: 'bytes', logicalType: 'decimal', precision, scale });
    const ofBytes = (...bytes: number[]) => [bytes.length * 2, ...bytes];
    const zeros = new Array<number>(40).fill(0);
    expect(await read(ofBytes(0xff, 0xff, 0x85), decimal(3), decimal(3))).toBe(-123n);
    expect(await read(ofBytes(...zeros, 0x7b), decimal(3), decimal(3))).toBe(123n);
    expect(await read(ofBytes(0x7b), 'bytes', decimal(3))).toBe(123n);
    expect(await read(ofBytes(0x03, 0xe8), decimal(3), decimal(3))).toBe('range');
    expect(await read(ofBytes(...zeros.slice(0, 10), 0xff, ...zeros.slice(0, 31)), decimal(76), decimal(76))).toBe(
      'range',
    );
    expect(await read(ofBytes(0, 0xff, ...zeros.slice(0, 31)), decimal(76), decimal(76))).toBe('range');
    expect(await read([0], decimal(3), decimal(3))).toBe('body');
    expect(await read(ofBytes(0x7b), decimal(3, 1), decimal(3))).toBe('schema');
  });

  it("takes the branches of a union that the reader knows, and an enum's symbols by name", async () => {
    const letters = (symbols: string[], more = {}) => ({ type: 'enum', name: 'E', symbols, ...more });
    expect(await read([2, 8], ['null', 'int', 'string'], 'long')).toBe(4);
    expect(await read([0], ['null', 'int'], 'long')).toBe('schema');
    expect(await read([4, 2, 65], ['null', 'int', 'string'], 'long')).toBe('schema');
    expect(await read([6], ['null', 'int', 'string'], 'long')).toBe('body');
    expect(await read([2], letters(['a', 'b']), letters(['b', 'c']))).toBe('b');
    expect(await read([0], letters(['a', 'b']), letters(['b', 'c']))).toBe('schema');
    expect(await read([0], letters(['a', 'b']), letters(['b', 'c'], { default: 'c' }))).toBe('c');
    expect(await read([4], letters(['a', 'b']), letters(['a', 'b']))).toBe('body');
  });
});

/** avsc leaves an int unrounded where the reader asks for a float, and gives bytes as a Buffer. */
function plain(value: TypedValue, type: unknown): TypedValue {
  if (typeof value === 'number' && JSON.stringify(type).includes('"float"')) {
    return Math.fround(value);
  }
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}
