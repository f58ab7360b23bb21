import { SchemaRegistry as Client, SchemaType } from '@kafkajs/confluent-schema-registry';
import { describe, expect, it } from 'vitest';
import { compileEncoder } from '../../../src/core/avro/encoder.ts';
import { TopicDecoder } from '../../../src/core/avro/topicDecoder.ts';
import { httpRegistry } from '../../../src/log/registry/httpRegistry.ts';
import { chunkOf } from '../../core/avro/chunks.ts';
import { valueAt } from '../../core/avro/valueAt.ts';
import { avroSchema, columnsOf } from '../../sinks/clickhouse/schemas.ts';
import { registryContract } from './contract.ts';

const V1 = { type: 'record', name: 'Point', fields: [{ name: 'x', type: 'long' }] };
const OTHER_TYPE = { ...V1, fields: [{ name: 'x', type: 'string' }] };
const WITH_OPTIONAL = { ...V1, fields: [...V1.fields, { name: 'y', type: 'long', default: 0 }] };
const BAR = avroSchema('bar');
const A_BAR = {
  ...{ instrument: 'test:A', interval: '1m', start: 1_767_623_400_000_000, end: 1_767_623_460_000_000, revision: 2 },
  ...{ final: true, deleted: false, open: 1.5, high: 2.25, low: 1.5, close: 2, vwap: 1.75, count: 3 },
  ...{ volume: 12n * 10n ** 17n, notional: -5n, openTime: null, openSequence: 7, closeTime: 1, closeSequence: null },
};

/** Holds a registry that is reached over HTTP to the port, and the values on its topics to what other clients read. */
export function registryOverHttp(name: string, url: () => string): void {
  registryContract(name, () => open(url()));

  describe(`${name}, where others use it too`, () => {
    const register = (subject: string, schema: object) => open(url()).register(subject, JSON.stringify(schema));

    it('checks new versions of a new subject, whatever it does by itself', async () => {
      await register('checked-value', V1);
      expect(await configOf('checked-value')).toEqual({ compatibilityLevel: 'BACKWARD' });
    });

    it('changes nothing where a schema is registered already', async () => {
      await ask('POST', 'subjects/known-value/versions', { schema: JSON.stringify(V1) });
      const before = await configOf('known-value');
      await register('known-value', V1);
      expect(await configOf('known-value')).toEqual(before);
    });

    it('holds a subject to the level that its operator set', async () => {
      await register('loose-value', V1);
      await setLevel('loose-value', 'NONE');
      const id = await register('loose-value', OTHER_TYPE);
      expect(await register('loose-value', OTHER_TYPE)).toBe(id);
      expect(await configOf('loose-value')).toEqual({ compatibilityLevel: 'NONE' });

      await register('strict-value', WITH_OPTIONAL);
      await setLevel('strict-value', 'FULL');
      // Fine at BACKWARD, Tidemark's own choice: a reader may do without a field.
      const refused = register('strict-value', { ...V1, fields: [] });
      await expect(refused).rejects.toMatchObject({ code: 'TM_SCHEMA_INCOMPATIBLE' });
      expect(await register('strict-value', V1)).toBeTypeOf('number');
    });

    it('decodes what @kafkajs/confluent-schema-registry registered and encoded', async () => {
      const client = new Client({ host: url() });
      const { id } = await client.register({ type: SchemaType.AVRO, schema: BAR.text }, { subject: 'theirs-value' });
      const value = await client.encode(id, {
        ...A_BAR,
        volume: decimal(A_BAR.volume),
        notional: decimal(A_BAR.notional),
      });
      const decoder = new TopicDecoder(BAR, (asked) => open(url()).schemaById(asked));
      const { bad, columns } = await decoder.decode(chunkOf([value]));
      expect(bad).toEqual([]);
      expect(Object.fromEntries(Array.from(columns.byName, ([field, column]) => [field, valueAt(column, 0)]))).toEqual(
        A_BAR,
      );
    });

    it('registers and writes what @kafkajs/confluent-schema-registry decodes', async () => {
      const id = await open(url()).register('ours-value', BAR.text);
      const client = new Client({ host: url() });
      expect(await client.getLatestSchemaId('ours-value')).toBe(id);

      const { values } = compileEncoder(BAR).encode(columnsOf(BAR, [A_BAR]), null, id);
      const decoded: unknown = await client.decode(Buffer.from(values));
      expect(decoded).toEqual({ ...A_BAR, volume: decimal(A_BAR.volume), notional: decimal(A_BAR.notional) });
    });

    async function configOf(subject: string): Promise<unknown> {
      const response = await fetch(`${url()}/config/${subject}`);
      return response.json();
    }

    async function setLevel(subject: string, compatibility: string): Promise<void> {
      await ask('PUT', `config/${subject}`, { compatibility });
    }

    async function ask(method: string, path: string, body: object): Promise<void> {
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
      const { ok } = await fetch(`${url()}/${path}`, { method, headers, body: JSON.stringify(body) });
      expect(ok).toBe(true);
    }
  });
}

function open(url: string) {
  return httpRegistry({ url, user: '', password: '' });
}

/** The fewest bytes of two's complement, big endian. */
function decimal(unscaled: bigint): Buffer {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, unscaled) !== unscaled) bytes++;
  return Buffer.from(
    BigInt.asUintN(bytes * 8, unscaled)
      .toString(16)
      .padStart(bytes * 2, '0'),
    'hex',
  );
}
