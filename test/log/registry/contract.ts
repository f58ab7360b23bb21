import { beforeEach, describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import { RowView } from '../../../src/core/avro/rowView.ts';
import { TopicDecoder } from '../../../src/core/avro/topicDecoder.ts';
import { canonicalSchema } from '../../../src/log/registry/canonicalSchema.ts';
import type { SchemaRegistry } from '../../../src/log/registry/registry.ts';
import { chunkOf, framed } from '../../core/avro/chunks.ts';

const V1 = { type: 'record', name: 'Point', namespace: 'test', fields: [{ name: 'x', type: 'long' }] };
const V2 = { ...V1, fields: [...V1.fields, { name: 'y', type: ['null', 'long'], default: null }] };
const WITHOUT_DEFAULT = { ...V1, fields: [...V1.fields, { name: 'y', type: 'long' }] };
const OTHER_TYPE = { ...V1, fields: [{ name: 'x', type: 'string' }] };
/** What Avro's Parsing Canonical Form and avsc's own text leave out. */
const DETAILED = {
  type: 'record',
  name: 'Trade',
  namespace: 'test.details',
  doc: 'kept',
  aliases: ['Deal'],
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' }, doc: 'event time' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 3 } },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['buy', 'sell'], default: 'buy' }, default: 'sell' },
    { name: 'note', type: ['null', 'string'], default: null, aliases: ['remark'] },
  ],
};

let subjects = 0;

/** Holds a registry to the port. `open` gives one that may hold other subjects; what it opened, the caller closes. */
export function registryContract(name: string, open: () => SchemaRegistry): void {
  describe(`${name} keeps the registry's contract`, () => {
    let registry: SchemaRegistry;
    let subject: string;
    const register = (schema: unknown) => registry.register(subject, JSON.stringify(schema));

    beforeEach(() => {
      registry = open();
      subject = `contract-${subjects++}-value`;
    });

    it('registers a schema once, whatever its white space and order of attributes', async () => {
      const id = await register(V1);
      expect(await register(V1)).toBe(id);
      const spaced =
        '{ "fields": [ {"type": {"type": "long"}, "name": "x"} ],  "namespace": "test", "name": "Point", "type": "record" }';
      expect(await registry.register(subject, spaced)).toBe(id);
      expect(await open().register(subject, JSON.stringify(V1, null, 4))).toBe(id);
    });

    it('registers a schema once, however many register it at the same moment', async () => {
      const ids = await Promise.all(Array.from({ length: 4 }, () => open().register(subject, JSON.stringify(V1))));
      expect(new Set(ids).size).toBe(1);
    });

    it('knows the newest version of a subject', async () => {
      await expect(registry.latestId(subject)).rejects.toMatchObject({ code: 'TM_SCHEMA_UNKNOWN' });
      await register(V1);
      const newest = await register(V2);
      expect(await registry.latestId(subject)).toBe(newest);
      await register(V1);
      expect(await open().latestId(subject)).toBe(newest);
    });

    it('finds a schema again by id, with all that was written in it', async () => {
      const id = await register(DETAILED);
      const text = canonicalSchema(JSON.stringify(DETAILED));
      expect(await registry.schemaById(id)).toBe(text);
      expect(await open().schemaById(id)).toBe(text);
      expect(JSON.parse(text)).toEqual(DETAILED);
    });

    it('keeps the versions of a subject apart, and the schemas of subjects', async () => {
      const [first, second] = [await register(V1), await register(V2)];
      expect(second).not.toBe(first);
      const elsewhere = await registry.register(`other-${subject}`, JSON.stringify(V2));
      expect(JSON.parse(await registry.schemaById(first))).toEqual(V1);
      for (const id of [second, elsewhere]) expect(JSON.parse(await registry.schemaById(id))).toEqual(V2);
      expect(await register(V1)).toBe(first);
    });

    it('refuses a version that cannot read the last one, and keeps nothing of it', async () => {
      const id = await register(V1);
      for (const schema of [WITHOUT_DEFAULT, OTHER_TYPE]) {
        await expect(register(schema)).rejects.toMatchObject({ code: 'TM_SCHEMA_INCOMPATIBLE', where: subject });
      }
      expect(await register(V1)).toBe(id);
      expect(await register(V2)).not.toBe(id);
    });

    it('takes a subject of any name', async () => {
      subject = `${subject} with/odd%2F?&#characters`;
      const id = await register(V1);
      expect(await register(V1)).toBe(id);
      await expect(register(OTHER_TYPE)).rejects.toMatchObject({ code: 'TM_SCHEMA_INCOMPATIBLE' });
    });

    it.each(['not json', '{"type":"record"}', '{"type":"nothing"}'])('refuses %s', async (text) => {
      await expect(registry.register(subject, text)).rejects.toMatchObject({ code: 'TM_SCHEMA_INVALID' });
    });

    it('refuses an id that it did not give', async () => {
      await expect(registry.schemaById(2 ** 31 - 1)).rejects.toMatchObject({ code: 'TM_SCHEMA_UNKNOWN' });
    });

    it("gives the decoder what it resolves a writer's schema by", async () => {
      const id = await register({ ...DETAILED, fields: DETAILED.fields.slice(0, 2) });
      await register(DETAILED);
      const reader = parseRecordSchema(DETAILED);
      const decoder = new TopicDecoder(reader, (asked) => open().schemaById(asked));
      // 1 as a zigzag long, and two bytes of decimal: 0x01f4 is 500, at scale 3.
      const value = framed(id, Buffer.from([2, 4, 1, 0xf4]));
      const { bad, columns } = await decoder.decode(chunkOf([value]));
      expect(bad).toEqual([]);
      const row = new RowView<object>(reader);
      row.bind(columns);
      expect({ ...row.at(0) }).toEqual({ at: 1, amount: '0.5', side: 'sell', note: null });
    });
  });
}
