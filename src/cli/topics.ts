import type { Command } from 'commander';
import type { Log } from '../log/log.ts';
import type { Act, Context } from './context.ts';
import { textTable } from './table.ts';

interface PartitionRow {
  readonly topic: string;
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
  readonly records: number;
}

export function declareTopics(program: Command, act: Act): void {
  program
    .command('topics')
    .description('List the topics: first and next offset of each partition, and the records between them.')
    .action(act(printTopics));
}

async function printTopics({ openLogIfAny, json, out, err, config }: Context): Promise<void> {
  const log = await openLogIfAny();
  const rows = log === null ? [] : await partitionRows(log).finally(() => log.close());
  if (json) return out.line(JSON.stringify(rows));
  if (rows.length === 0) {
    err.write(noTopicsLine(config));
    return;
  }
  const cells = rows.map(({ topic, partition, begin, end, records }) => [topic, partition, begin, end, records]);
  await out.write(textTable(['topic', 'partition', 'begin', 'end', 'records'], cells));
}

/** Says where there are none, and what makes some. */
export function noTopicsLine({ broker, data }: Context['config']): string {
  const log = broker.urls === '' ? `in ${data.directory}` : `at ${broker.urls}`;
  return `no topics ${log}; tidemark produce and tidemark demo make some\n`;
}

async function partitionRows(log: Log): Promise<PartitionRow[]> {
  const rows: PartitionRow[] = [];
  for (const { topic } of await log.listTopics()) {
    for (const { partition, begin, end } of await log.ranges(topic)) {
      rows.push({ topic, partition, begin, end, records: end - begin });
    }
  }
  return rows;
}
