import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { OutputSpec } from '../core/output.ts';
import type { RecordSchema } from '../core/schema.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { controlSchema, deadLetterSchema, lateSchema, snapshotSliceSchema } from '../schemas.generated.ts';

export const DEAD_LETTER_TOPIC = 'deadletter';

/** The topics that the tasks of one generation of a topology write, made and with their schemas registered. */
export class TopologyTopics {
  readonly late: string;
  readonly control: string;
  readonly snapshots: string;
  readonly deadLetter = DEAD_LETTER_TOPIC;
  readonly #schemaIds: ReadonlyMap<string, number>;

  private constructor(run: string, schemaIds: ReadonlyMap<string, number>) {
    this.late = lateTopic(run);
    this.control = controlTopic(run);
    this.snapshots = snapshotsTopic(run);
    this.#schemaIds = schemaIds;
  }

  /** Makes what is missing: each topic with the partitions of the input, since a task writes to its own partition. */
  static async create(
    log: Log,
    registry: SchemaRegistry,
    run: string,
    outputs: readonly OutputSpec[],
    settings: TopicSettings,
  ): Promise<TopologyTopics> {
    // Old snapshots are deleted by those who write new ones: time alone does not make one useless.
    const kept = { ...settings, retentionMs: -1 };
    const schemas: readonly (readonly [string, RecordSchema, TopicSettings])[] = [
      ...outputs.map(({ topic, schema }) => [topic, schema, settings] as const),
      [lateTopic(run), parseRecordSchema(lateSchema), settings],
      [controlTopic(run), parseRecordSchema(controlSchema), settings],
      [snapshotsTopic(run), parseRecordSchema(snapshotSliceSchema), kept],
      [DEAD_LETTER_TOPIC, parseRecordSchema(deadLetterSchema), settings],
    ];
    const existing = new Map((await log.listTopics()).map((topic) => [topic.topic, topic.partitions]));
    const ids = new Map<string, number>();
    for (const [topic, schema, ownSettings] of schemas) {
      const partitions = existing.get(topic);
      if (partitions === undefined) await log.createTopic(topic, ownSettings);
      else if (partitions < settings.partitions) throw tooFewPartitions(topic, partitions, settings.partitions);
      ids.set(topic, await registry.register(`${topic}-value`, schema.text));
    }
    return new TopologyTopics(run, ids);
  }

  schemaId(topic: string): number {
    const id = this.#schemaIds.get(topic);
    if (id === undefined) throw new RangeError(`no schema is registered for topic ${topic}`);
    return id;
  }
}

/** @param run the topology's name, with its generation: what its group is called */
export function lateTopic(run: string): string {
  return `${run}.late`;
}

export function controlTopic(run: string): string {
  return `${run}.control`;
}

function snapshotsTopic(run: string): string {
  return `${run}.snapshots`;
}

function tooFewPartitions(topic: string, partitions: number, needed: number): TidemarkError {
  return new TidemarkError(
    'TM_PARTITIONS_CHANGED',
    `topic ${topic} has ${partitions} partitions, the input ${needed}`,
    {
      where: `topic ${topic}`,
      hint: 'Results go to the partition number of their input. Use a topology of another name, or a new input topic.',
    },
  );
}
