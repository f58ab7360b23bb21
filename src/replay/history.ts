import { TopicDecoder } from '../core/avro/topicDecoder.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { History } from '../runtime/history.ts';
import type { AssembledInput } from '../topology/assemble.ts';

/** What is looked at to tell whether the records can be read as those of the input. */
const SAMPLE = { maxRecords: 100, maxBytes: 1024 * 1024 };

/**
 * All that a topic holds now, as the history of an input.
 * @throws TM_REPLAY_HISTORY when it cannot be that, TM_TOPIC_UNKNOWN
 */
export async function historyOf(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  input: AssembledInput,
  topic: string,
): Promise<History> {
  const { log } = parts;
  if (topic === input.topic) throw notHistory(topic, 'it is the input of the topology itself');
  const [ranges, inputs] = [await log.ranges(topic), await log.ranges(input.topic)];
  if (ranges.length !== inputs.length) {
    throw notHistory(topic, `it has ${ranges.length} partitions, ${input.topic} has ${inputs.length}`);
  }
  await checkReadable(parts, input, ranges);
  return { topic, parts: ranges.map(({ begin, end }) => ({ begin, end })) };
}

async function checkReadable(
  { log, registry }: { readonly log: Log; readonly registry: SchemaRegistry },
  input: AssembledInput,
  ranges: readonly PartitionRange[],
): Promise<void> {
  const [first] = ranges;
  const reader = await log.openReader(ranges.map(({ begin, ...place }) => ({ ...place, offset: begin })));
  try {
    const chunk = await reader.read(SAMPLE, 0);
    if (chunk === null) throw notHistory(first?.topic ?? '', 'it holds no records');
    const { columns, bad } = await new TopicDecoder(input.schema, (id) => registry.schemaById(id)).decode(chunk);
    if (columns.length > 0) return;
    throw notHistory(chunk.topic, `its records are not such as ${input.topic} has: ${bad[0]?.detail ?? ''}`);
  } finally {
    await reader.close();
  }
}

function notHistory(topic: string, why: string): TidemarkError {
  return new TidemarkError('TM_REPLAY_HISTORY', `topic ${topic} cannot be read before the input: ${why}`, {
    where: '--history',
    hint: "Produce the history into a topic of its own with the input's schema and number of partitions (produce csv --topic NAME).",
  });
}
