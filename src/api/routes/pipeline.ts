import { type Static, Type } from 'typebox';
import { generationTopic } from '../../core/output.ts';
import { formatIsoMicros } from '../../core/time.ts';
import type { PartitionRange } from '../../log/log.ts';
import { groupPositions, type TaskPosition, taskPositions } from '../../runtime/positions.ts';
import { resultsSinkGroup } from '../../runtime/sinks.ts';
import { type ApiParts, type ApiServer, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { instantSchema } from '../rows.ts';
import { generationOf } from '../stream/feed.ts';

const taskSchema = Type.Object(
  {
    topic: Type.String({ description: 'The input topic.' }),
    partition: Type.Integer(),
    position: Type.Integer({ description: 'The next offset that the task reads.' }),
    lag: Type.Integer({ description: 'Records that the task has yet to read.' }),
    watermark: Type.Union([instantSchema('The watermark at the last commit.'), Type.Null()]),
  },
  { title: 'Task' },
);

const SCHEMA = {
  summary: 'How far the work is: lag and watermark of each partition, and results that are not stored yet',
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Object(
      {
        tasks: Type.Array(taskSchema),
        unstored: Type.Integer({ description: 'Results in the log that ClickHouse does not hold yet.' }),
      },
      { title: 'Pipeline' },
    ),
    ...problemResponses,
  },
};

export function declarePipeline(server: ApiServer, parts: ApiParts): void {
  const { log } = parts;
  server.get('/v1/pipeline', { schema: SCHEMA }, async () => {
    const run = generationTopic(TOPOLOGY, await generationOf(parts));
    const tasks = (await taskPositions(log)).filter(({ topology }) => topology === run);
    const topics = Array.from(new Set(tasks.map(({ topic }) => topic))).sort();
    const ranges = (await Promise.all(topics.map((topic) => log.ranges(topic)))).flat();
    const stored = await groupPositions(log, resultsSinkGroup(run));
    return {
      tasks: ranges.map((range) => taskOf(range, tasks)),
      unstored: stored.reduce((sum, { lag }) => sum + lag, 0),
    };
  });
}

/** What the task of a partition has committed; one that has committed nothing yet stands at the partition's begin. */
function taskOf(
  { topic, partition, begin, end }: PartitionRange,
  tasks: readonly TaskPosition[],
): Static<typeof taskSchema> {
  const task = tasks.find((own) => own.topic === topic && own.partition === partition);
  const { position, watermark } = task ?? { position: begin, watermark: null };
  return {
    topic,
    partition,
    position,
    lag: end - position,
    watermark: watermark === null ? null : formatIsoMicros(watermark),
  };
}
