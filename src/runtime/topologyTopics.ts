import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { DEAD_LETTER_TOPIC } from '../core/deadLetterTopics.ts';
import type { OutputSpec } from '../core/output.ts';
import type { RecordSchema } from '../core/schema.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { controlSchema, deadLetterSchema, lateSchema, snapshotSliceSchema } from '../schemas.generated.ts';
import type { RepartitionTopic } from '../topology/stages/carried.ts';

/** What the tasks of a topology write besides the topics that every task has. */
export interface WrittenTopics {
  readonly outputs: readonly OutputSpec[];
  readonly repartitions: readonly RepartitionTopic[];
}

/** The topics that the tasks of one generation of a topology write, made and with their schemas registered. */
export class TopologyTopics {
  readonly #run: string;
  readonly late: string;
  readonly control: string;
  readonly snapshots: string;
  readonly deadLetter = DEAD_LETTER_TOPIC;
  readonly #schemaIds: ReadonlyMap<string, number>;

  private constructor(run: string, schemaIds: ReadonlyMap<string, number>) {
    this.#run = run;
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
    { outputs, repartitions }: WrittenTopics,
    settings: TopicSettings,
  ): Promise<TopologyTopics> {
    // Old snapshots are deleted by those who write new ones: time alone does not make one useless.
    const kept = { ...settings, retentionMs: -1 };
    const runs = stageRuns(run, repartitions);
    const schemas: readonly (readonly [string, RecordSchema, TopicSettings])[] = [
      ...[...outputs, ...repartitions].map(({ topic, schema }) => [topic, schema, settings] as const),
      ...runs.map((each) => [lateTopic(each), parseRecordSchema(lateSchema), settings] as const),
      ...runs.map((each) => [controlTopic(each), parseRecordSchema(controlSchema), settings] as const),
      ...runs.map((each) => [snapshotsTopic(each), parseRecordSchema(snapshotSliceSchema), kept] as const),
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

  /** Those of the tasks of one stage. */
  ofStage(number: number): TopologyTopics {
    return number === 0 ? this : new TopologyTopics(stageRun(this.#run, number), this.#schemaIds);
  }

  schemaId(topic: string): number {
    const id = this.#schemaIds.get(topic);
    if (id === undefined) throw new RangeError(`no schema is registered for topic ${topic}`);
    return id;
  }
}

/** What the topics of a stage's tasks begin with; those of the first like the topology's. */
function stageRun(run: string, stage: number): string {
  return stage === 0 ? run : `${run}.stage${stage}`;
}

/** The same of each stage of a topology. */
export function stageRuns(run: string, repartitions: readonly RepartitionTopic[]): readonly string[] {
  return repartitions.length === 0 ? [run] : [run, stageRun(run, 1)];
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
