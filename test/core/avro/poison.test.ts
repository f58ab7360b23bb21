import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import { TopicDecoder } from '../../../src/core/avro/topicDecoder.ts';
import { effort } from '../../support/effort.ts';
import { avscType, chunkOf, framed, schemasBy } from './chunks.ts';
import { evolution } from './schemaArbitraries.ts';
import { valueAt } from './valueAt.ts';

const fields = [
  { name: 'text', type: 'string' },
  { name: 'count', type: ['null', 'long'] },
  { name: 'small', type: 'int' },
  { name: 'flag', type: ['boolean', 'null'] },
  { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
  { name: 'raw', type: 'bytes' },
  { name: 'price', type: 'double' },
];
const writer = {
  type: 'record',
  name: 'R',
  fields: [
    ...fields.slice(0, 3),
    { name: 'list', type: { type: 'array', items: { type: 'map', values: 'long' } } },
    ...fields.slice(3),
  ],
};
const X = { name: 'x', type: 'int' };
const reader = parseRecordSchema({ type: 'record', name: 'R', fields });
const sound = { text: 'binance:BTC', count: 5, small: -1, list: [{ a: 1 }, {}], flag: true, side: 'sell', price: 1.5 };
const soundBody = avscType(writer).toBuffer({ ...sound, raw: Buffer.of(1, 2) });

/** A sound body with some bytes changed, cut off or added; or any bytes at all. */
const poison = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .tuple(
      fc.array(fc.record({ at: fc.nat(soundBody.length - 1), byte: fc.integer({ min: 0, max: 255 }) }), {
        maxLength: 3,
      }),
      fc.integer({ min: 0, max: soundBody.length }),
      fc.oneof(fc.constant(soundBody.length), fc.nat(soundBody.length)),
      fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 12 })),
    )
    .map(([changes, insertAt, cut, added]) => {
      const body = Buffer.from(soundBody);
      for (const { at, byte } of changes) {
        body[at] = byte;
      }
      return Buffer.concat([body.subarray(0, Math.min(insertAt, cut)), added, body.subarray(insertAt, cut)]);
    }),
);

describe('poison', () => {
  it('takes no body that avsc refuses, agrees on those it takes, and keeps the rows around it', async () => {
    const oracle = avscType(writer);
    const decoder = new TopicDecoder(reader, schemasBy({ 1: writer }));
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(poison, { minLength: 1, maxLength: 5 }), async (bodies) => {
        const values = bodies.flatMap((body) => [framed(1, soundBody), framed(1, body)]);
        const { columns, bad, rows } = await decoder.decode(chunkOf([...values, framed(1, soundBody)]));
        const kept = [...(rows ?? Array.from({ length: columns.length }, (_, i) => i))];
        expect(kept.filter((index) => index % 2 === 0)).toHaveLength(bodies.length + 1);
        expect(bad.map(({ index }) => index)).toEqual(
          values.map((_, index) => index).filter((index) => !kept.includes(index)),
        );
        kept.forEach((index, row) => {
          const expected =
            index % 2 === 0
              ? { ...sound, raw: Buffer.of(1, 2) }
              : oracle.fromBuffer(Buffer.from(bodies[(index - 1) / 2] ?? []));
          taken += index % 2;
          for (const { name } of fields) {
            const value = valueAt(columns.byName.get(name), row);
            // avsc's own longs are exact to 2^52 only.
            if (name !== 'count' || Math.abs(Number(value)) < 2 ** 52) {
              expect(Buffer.isBuffer(expected[name]) ? new Uint8Array(expected[name]) : expected[name]).toEqual(value);
            }
          }
        });
      }),
      { numRuns: effort(400) },
    );
    // Without bodies that are poison in vain this would prove little.
    expect(taken).toBeGreaterThan(20);
  });

  it('is judged by its own bytes alone', async () => {
    const decoder = new TopicDecoder(reader, schemasBy({ 1: writer }));
    await fc.assert(
      fc.asyncProperty(fc.array(poison, { minLength: 1, maxLength: 3 }), async (bodies) => {
        const values = bodies.map((body) => framed(1, body));
        expect(await decoder.decode(chunkOf(values, 0x00))).toEqual(await decoder.decode(chunkOf(values, 0x02)));
      }),
    );
  });

  it('never throws, whatever the schemas', async () => {
    await fc.assert(
      fc.asyncProperty(evolution, fc.uint8Array({ maxLength: 40 }), async (schemas, body) => {
        const decoder = new TopicDecoder(parseRecordSchema(schemas.reader), schemasBy({ 1: schemas.writer }));
        const { columns, bad } = await decoder.decode(chunkOf([framed(1, body)]));
        expect(columns.length + bad.length).toBe(1);
      }),
    );
  });

  it('cannot exhaust the stack or the time by what is skipped', async () => {
    const list = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'x', type: 'int', default: 1 },
        { name: 'next', type: ['null', 'R'] },
        { name: 'nothing', type: { type: 'array', items: 'null' } },
      ],
    };
    const schema = parseRecordSchema({ type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }] });
    const decoder = new TopicDecoder(schema, schemasBy({ 1: list }));
    const deep = framed(1, new Uint8Array(1_000_000).fill(2));
    const long = framed(1, Uint8Array.of(2, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0));
    const fine = framed(1, Uint8Array.of(2, 2, 4, 0, 0, 0));
    const { bad, rows } = await decoder.decode(chunkOf([deep, long, fine]));
    expect(bad.map(({ reason }) => reason)).toEqual(['body', 'body']);
    expect(rows).toEqual(Int32Array.of(2));
  });

  it('skips blocks by their items, and refuses a size that is not theirs', async () => {
    const list = { type: 'record', name: 'R', fields: [{ name: 'list', type: { type: 'array', items: 'string' } }, X] };
    const decoder = new TopicDecoder(parseRecordSchema({ ...list, fields: [X] }), schemasBy({ 1: list }));
    const blocks = (size: number) => framed(1, Uint8Array.of(3, size * 2, 2, 65, 2, 66, 2, 2, 67, 0, 14));
    const { columns, bad } = await decoder.decode(chunkOf([blocks(4), blocks(3), blocks(6), blocks(50)]));
    expect(columns.byName.get('x')).toMatchObject({ values: Float64Array.of(7) });
    expect(bad.map(({ index, reason }) => [index, reason])).toEqual([1, 2, 3].map((index) => [index, 'body']));
  });

  it.each([
    ['a long of eleven bytes', 'long', [...new Array<number>(10).fill(0x80), 0]],
    ['a long of more than 64 bits', 'long', [...new Array<number>(9).fill(0x80), 2]],
    ['a boolean that is neither', 'boolean', [2]],
    ['a string that is not UTF-8', 'string', [4, 0xc3, 0x28]],
    ['a negative length', 'bytes', [1]],
    ['a length beyond the value', 'bytes', [6, 1, 2]],
    ['a byte too many', 'int', [2, 0]],
    ['nothing', 'double', []],
  ])('is malformed: %s', async (_, type, body) => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'x', type }] };
    const decoder = new TopicDecoder(parseRecordSchema(schema), schemasBy({ 1: schema }));
    const { bad } = await decoder.decode(chunkOf([framed(1, Uint8Array.from(body))]));
    expect(bad).toEqual([{ index: 0, reason: 'body', detail: expect.any(String) }]);
  });

  it.each([
    ['a long beyond 2^53', 'long', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]],
    ['the least long', 'long', [...new Array<number>(9).fill(0xff), 1]],
    ['an int beyond 32 bits', 'int', [0x80, 0x80, 0x80, 0x80, 0x20]],
  ])('is out of range: %s', async (_, type, body) => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'x', type }] };
    const decoder = new TopicDecoder(parseRecordSchema(schema), schemasBy({ 1: schema }));
    const { bad } = await decoder.decode(chunkOf([framed(1, Uint8Array.from(body))]));
    expect(bad).toEqual([{ index: 0, reason: 'range', detail: expect.any(String) }]);
  });
});
