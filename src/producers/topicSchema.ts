import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { RecordSchema } from '../core/schema.ts';
import { TidemarkError } from '../errors.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { QUOTE, SOURCE_BAR, TICK } from './schemas.ts';

/** Topics that producers make when they are missing. */
const OWN_TOPICS: ReadonlyMap<string, RecordSchema> = new Map([
  ['ticks', TICK],
  ['quotes', QUOTE],
  ['source_bars', SOURCE_BAR],
]);
/** Fields by which records that a topology writes are known: those of a repartition topic, of results, of the late ledger. */
const WRITTEN_BY_TOPOLOGIES = [
  ['_kind', '_partition', '_watermark'],
  ['interval', 'start', 'end', 'revision', 'final', 'deleted'],
  ['eventTime', 'watermark', 'intervals', 'missedAll'],
];

/**
 * What a topic's records are, for those who write rows to it: a topic of the producers' own, or the newest version that is
 * registered.
 * @throws TM_SCHEMA_UNKNOWN, TM_SCHEMA_UNSUPPORTED; TM_TOPIC_OWN where a topology alone may write
 */
export async function topicSchema(registry: SchemaRegistry, topic: string): Promise<RecordSchema> {
  const own = OWN_TOPICS.get(topic);
  if (own !== undefined) return own;
  const schema = parseRecordSchema(await registry.schemaById(await registry.latestId(`${topic}-value`)));
  const names = new Set(schema.fields.map(({ name }) => name));
  if (!WRITTEN_BY_TOPOLOGIES.some((fields) => fields.every((name) => names.has(name)))) return schema;
  throw new TidemarkError('TM_TOPIC_OWN', `topic ${topic} is written by a topology, and by nobody else`, {
    where: topic,
    hint: 'Write to the inputs of the topology.',
  });
}
