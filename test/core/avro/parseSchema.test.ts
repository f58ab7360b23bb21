import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';

const record = (...fields: object[]) => ({ type: 'record', name: 'R', namespace: 'n', fields });
const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale });

describe('parseRecordSchema', () => {
  it('names the column of each field', () => {
    const { name, fields } = parseRecordSchema(
      record(
        { name: 'a', type: ['null', 'string'] },
        { name: 'b', type: ['double', 'null'] },
        { name: 'c', type: 'float' },
        { name: 'd', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'e', type: { type: 'enum', name: 'E', symbols: ['x', 'y'] } },
        { name: 'f', type: ['null', 'E'] },
        { name: 'g', type: decimal(76, 36) },
        { name: 'h', type: { type: 'int', logicalType: 'date' } },
      ),
    );
    expect(name).toBe('n.R');
    expect(fields).toEqual([
      { name: 'a', kind: 'string', nullable: true },
      { name: 'b', kind: 'double', nullable: true },
      { name: 'c', kind: 'double', nullable: false },
      { name: 'd', kind: 'long', logical: 'timestamp-micros', nullable: false },
      { name: 'e', kind: 'enum', symbols: ['x', 'y'], nullable: false },
      { name: 'f', kind: 'enum', symbols: ['x', 'y'], nullable: true },
      { name: 'g', kind: 'decimal', precision: 76, scale: 36, nullable: false },
      { name: 'h', kind: 'int', nullable: false },
    ]);
  });

  it('has one text for one meaning', () => {
    const { text } = parseRecordSchema({
      fields: [{ doc: 'why', type: { logicalType: 'timestamp-micros', type: 'long' }, default: 0, name: 't' }],
      doc: 'what',
      name: 'R',
      type: 'record',
    });
    expect(text).toBe(
      '{"type":"record","name":"R","fields":[{"type":{"type":"long","logicalType":"timestamp-micros"},"name":"t","default":0}]}',
    );
    expect(parseRecordSchema(text).text).toBe(text);
  });

  it('reads every schema of the package', () => {
    for (const file of readdirSync('schemas/avro')) {
      expect(parseRecordSchema(readFileSync(`schemas/avro/${file}`, 'utf8')).fields.length).toBeGreaterThan(0);
    }
  });

  it.each([
    [{ type: 'array', items: 'int' }],
    [{ type: 'map', values: 'int' }],
    [{ type: 'fixed', name: 'F', size: 2 }],
    [decimal(77, 0)],
    [['int', 'string']],
    [['null', 'int', 'string']],
    ['null'],
    [{ type: 'record', name: 'Inner', fields: [] }],
  ])('refuses a field of %j', (type) => {
    expect(() => parseRecordSchema(record({ name: 'odd', type }))).toThrow(
      expect.objectContaining({ code: 'TM_SCHEMA_UNSUPPORTED', where: 'n.R.odd' }),
    );
  });

  it('refuses a schema that is no record', () => {
    expect(() => parseRecordSchema('"string"')).toThrow(expect.objectContaining({ code: 'TM_SCHEMA_UNSUPPORTED' }));
  });

  it.each([
    ['{'],
    [{ type: 'record', name: 'R' }],
    [record({ name: 'a', type: 'nope' })],
    [record({ name: 'a', type: 'int' }, { name: 'a', type: 'int' })],
    [record({ name: 'a', type: 'int', default: 'x' })],
    [undefined],
    [42],
  ])('refuses what is no schema: %j', (schema) => {
    expect(() => parseRecordSchema(schema)).toThrow(expect.objectContaining({ code: 'TM_SCHEMA_INVALID' }));
  });
});
