import avsc from 'avsc';
import type { ValueChunk } from '../../../src/core/avro/topicDecoder.ts';
import { TidemarkError } from '../../../src/errors.ts';

/** Values in one buffer, null ones among them, with bytes between them that must not be read. */
export function chunkOf(values: readonly (Uint8Array | null)[], gapByte = 0xff): ValueChunk {
  const gap = Buffer.alloc(12, gapByte);
  const data = Buffer.concat([...values.flatMap((value) => [gap, value ?? Buffer.alloc(0)]), gap]);
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

/** A body behind the frame of Confluent's registry. */
export function framed(id: number, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(id, 1);
  return Buffer.concat([frame, body]);
}

/** Finds schemas in a table, and knows no others. */
export function schemasBy(schemas: Readonly<Record<number, object>>): (id: number) => Promise<string> {
  return async (id) => {
    const schema = schemas[id];
    if (schema === undefined) {
      throw new TidemarkError('TM_SCHEMA_UNKNOWN', `No schema ${id}.`);
    }
    return JSON.stringify(schema);
  };
}

/** avsc takes parts of the schema over, hence a copy. */
export function avscType(schema: object): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(JSON.stringify(schema)), { wrapUnions: false });
}
