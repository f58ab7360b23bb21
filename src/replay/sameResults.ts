import { isDeepStrictEqual } from 'node:util';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { OutputSpec } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';

const ONE_RECORD = { maxRecords: 1, maxBytes: 1 };
/** Confluent framing: a zero byte, then the schema's id. */
const ID_AT = 1;

/**
 * Rows that a generation takes over from another are of one schema with its own.
 * @throws TM_REPLAY_RANGE when a topic of the other holds results of another schema
 */
export async function checkSameResults(
  { log, registry }: { readonly log: Log; readonly registry: SchemaRegistry },
  outputs: readonly OutputSpec[],
): Promise<void> {
  for (const { topic, schema } of outputs) {
    const id = await firstSchemaId(log, topic);
    if (id === null) continue;
    const { fields } = parseRecordSchema(JSON.parse(await registry.schemaById(id)));
    if (isDeepStrictEqual(fields, schema.fields)) continue;
    throw new TidemarkError(
      'TM_REPLAY_RANGE',
      `the results in ${topic} have other fields than those of the changed topology`,
      {
        where: `topic ${topic}`,
        hint: 'Replay all of it, without --from and --to: rows outside the range would lack the new fields.',
      },
    );
  }
}

async function firstSchemaId(log: Log, topic: string): Promise<number | null> {
  const reader = await log.openReader(
    (await log.ranges(topic)).map(({ begin, ...place }) => ({ ...place, offset: begin })),
  );
  try {
    const chunk = await reader.read(ONE_RECORD, 0);
    if (chunk === null) return null;
    const { data, valueStarts } = chunk;
    return new DataView(data.buffer, data.byteOffset).getInt32((valueStarts[0] as number) + ID_AT);
  } finally {
    await reader.close();
  }
}
