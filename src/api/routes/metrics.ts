import { Counter, Gauge, Registry } from 'prom-client';
import { Type } from 'typebox';
import { DEAD_LETTER_TOPIC } from '../../core/deadLetterTopics.ts';
import type { Log } from '../../log/log.ts';
import { groupPositions, taskPositions } from '../../runtime/positions.ts';
import { RAW_SINK_GROUP, resultsSinkGroup } from '../../runtime/sinks.ts';
import { lateTopic } from '../../runtime/topologyTopics.ts';
import { type ApiParts, type ApiServer, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';

const SCHEMA = {
  summary: 'Counters and gauges in the text format of Prometheus',
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } },
    ...problemResponses,
  },
};

/** Topics whose records are counted, by the name of the metric. */
const COUNTED: readonly (readonly [name: string, topic: string, help: string])[] = [
  ['tidemark_ticks', 'ticks', 'Records of the topic ticks.'],
  ['tidemark_results', TOPOLOGY, 'Result rows of the topology bars, revisions included.'],
  ['tidemark_late', lateTopic(TOPOLOGY), 'Records in the late ledger of the topology bars.'],
  ['tidemark_rejected', DEAD_LETTER_TOPIC, 'Dead letters.'],
];

export function declareMetrics(server: ApiServer, parts: ApiParts): void {
  server.get('/metrics', { schema: SCHEMA }, async (_request, reply) => {
    // Read from the log at each scrape, so that they hold whichever process does the work.
    const scraped = new Registry();
    await addCounts(scraped, parts.log);
    await addPositions(scraped, parts);
    const registries = Registry.merge([parts.metrics.registry, scraped]);
    return reply.type(registries.contentType).send(await registries.metrics());
  });
}

async function addCounts(registry: Registry, log: Log): Promise<void> {
  const known = (await log.listTopics()).map(({ topic }) => topic);
  for (const [name, topic, help] of COUNTED) {
    const counter = new Counter({ name: `${name}_total`, help, labelNames: ['partition'], registers: [registry] });
    for (const each of known.filter((name) => generationsOf(topic).test(name))) {
      // The end is an offset: it only rises, also when retention deletes records.
      for (const { partition, end } of await log.ranges(each)) counter.inc({ partition }, end);
    }
  }
}

/** A topic's name, and those of its later generations: `bars__g2`, `bars__g2.late`. */
function generationsOf(topic: string): RegExp {
  const [name, ...ends] = topic.split('.');
  return new RegExp(`^${name}(__g\\d+)?${ends.map((end) => `\\.${end}`).join('')}$`);
}

async function addPositions(registry: Registry, { log }: ApiParts): Promise<void> {
  const labelNames = ['group', 'topic', 'partition'];
  const registers = [registry];
  const lag = new Gauge({ name: 'tidemark_lag_records', help: 'Records yet to be read.', labelNames, registers });
  const watermark = new Gauge({
    name: 'tidemark_watermark_seconds',
    help: 'The watermark at the last commit of a task, epoch seconds.',
    labelNames: ['topology', 'partition'],
    registers,
  });
  const tasks = await taskPositions(log);
  // Of the tasks of several stages the one furthest on comes first, so that the one furthest behind is shown.
  for (const task of [...tasks].sort((a, b) => (b.watermark ?? 0) - (a.watermark ?? 0))) {
    lag.set({ group: task.topology, topic: task.topic, partition: task.partition }, task.lag);
    if (task.watermark !== null) {
      watermark.set({ topology: task.topology, partition: task.partition }, task.watermark / 1e6);
    }
  }
  for (const group of new Set([RAW_SINK_GROUP, ...tasks.map(({ topology }) => resultsSinkGroup(topology))])) {
    for (const { topic, partition, lag: records } of await groupPositions(log, group)) {
      lag.set({ group, topic, partition }, records);
    }
  }
}
